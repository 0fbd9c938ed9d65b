import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import {
  type Health,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Serving,
} from '@realchat/gen/grpc/health/v1/health';
import type { GatewayContext } from '../context.ts';

const WATCH_EVERY_MS = 1_000;

/** The gateway's own health, for balancers that ask by gRPC. Of the services behind it, theirs tell. */
export function gatewayHealth(context: GatewayContext): Partial<ServiceImpl<typeof Health>> {
  const now = (service: string): HealthCheckResponse => {
    if (service !== '') throw new ConnectError('only the gateway as a whole has a health', Code.NotFound);
    return create(HealthCheckResponseSchema, {
      status: context.leaving.aborted ? Serving.NOT_SERVING : Serving.SERVING,
    });
  };
  return {
    check: ({ service }) => now(service),
    async *watch({ service }, { signal }) {
      let last: Serving | undefined;
      while (!signal.aborted) {
        const health = now(service);
        if (health.status !== last) yield health;
        last = health.status;
        if (context.leaving.aborted) return;
        await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS));
      }
    },
  };
}
