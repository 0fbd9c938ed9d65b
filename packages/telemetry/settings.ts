import { hostname } from 'node:os';
import { hostPort } from '@realchat/config';
import { z } from 'zod';

/** Settings that every process has. */
export const telemetrySettings = {
  REALCHAT_MODE: z
    .enum(['development', 'production'])
    .default('development')
    .describe('In production, conveniences of development (public reflection, plain listeners) are off.'),
  INSTANCE_ID: z
    .string()
    .default(`${hostname()}-${process.pid}`)
    .describe('Names this process in logs, metrics and leases; unique among its kind.')
    .meta({ shownDefault: "the host's name and the number of the process" }),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least level that is logged.'),
  OPS_LISTEN: hostPort.describe('Where /metrics, /healthz and /readyz are served; never routed by the edge.'),
};
