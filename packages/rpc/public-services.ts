import type { DescService } from '@bufbuild/protobuf';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';

/** The services that clients may call: what the edge routes and reflection describes. All others are internal. */
export const PUBLIC_SERVICES: readonly DescService[] = [
  AuthService,
  ProfileService,
  ConversationService,
  MessageService,
  DeliveryService,
];

/** The public services whose calls need no access token. */
export const OPEN_SERVICES: readonly DescService[] = [AuthService];
