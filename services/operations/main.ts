import { loadConfig } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { createTelemetry, runService } from '@realchat/telemetry';
import { operationsSettings } from './config.ts';
import { createOperationsService } from './service.ts';

const config = loadConfig(operationsSettings, checkIdentity('operations'));
const telemetry = createTelemetry({ service: 'operations', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createOperationsService(config, telemetry), telemetry.log);
