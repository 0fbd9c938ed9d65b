import type { DescService } from '@bufbuild/protobuf';
import { RateLimitService } from '@realchat/gen/envoy/service/ratelimit/v3/rls';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { DeliveryFactsService } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { MembershipService } from '@realchat/gen/realchat/messaging/v1/membership_service';
import { MessageFactsService } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import { PUBLIC_SERVICES } from './public-services.ts';

/** What stands between clients and the public services. */
const EDGE = ['envoy', 'gateway'];

/** Who may call which service, by the names on certificates of the mesh. What is not here may be called by nobody. */
const CALLERS = new Map<DescService, readonly string[]>([
  ...PUBLIC_SERVICES.map((service) => [service, EDGE] as const),
  [RateLimitService, ['envoy']],
  [AccountService, ['messaging']],
  [LogService, ['delivery']],
  [MembershipService, ['delivery']],
  [MessageFactsService, ['operations']],
  [DeliveryFactsService, ['operations']],
]);

/** The names of the processes that may call a service. */
export function callersOf(service: DescService): readonly string[] {
  return CALLERS.get(service) ?? [];
}

/** The process that serves a service, by its package: `realchat.<name>.v1`. */
export function serverOf(service: DescService): string {
  return service.typeName.split('.')[1] ?? '';
}
