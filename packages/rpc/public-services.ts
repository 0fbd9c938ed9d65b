import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { ServerReflection } from '@realchat/gen/grpc/reflection/v1/reflection';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ActivityService } from '@realchat/gen/realchat/operations/v1/activity_service';
import { DeadLetterService } from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import { ExplainService } from '@realchat/gen/realchat/operations/v1/explain_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';

/** The services that clients may call: what the edge routes and reflection describes. All others are internal. */
export const PUBLIC_SERVICES: readonly DescService[] = [
  AuthService,
  ProfileService,
  ConversationService,
  MessageService,
  DeliveryService,
  // Of these, every method asks for an operator.
  DeadLetterService,
  ActivityService,
  ExplainService,
];

/** The methods that need no access token: those by which one is got or given up, and reflection, where it is served. */
export const OPEN_METHODS: readonly DescMethod[] = [
  AuthService.method.register,
  AuthService.method.login,
  AuthService.method.refreshSession,
  AuthService.method.logout,
  ...ServerReflection.methods,
];

const open = new Set(OPEN_METHODS);

/** Whether calls of a method need no access token. */
export function isOpen(method: DescMethod): boolean {
  return open.has(method);
}
