import { loadConfig } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { createTelemetry, runService } from '@realchat/telemetry';
import { messagingSettings } from './config.ts';
import { createMessagingService } from './service.ts';

const config = loadConfig(messagingSettings, checkIdentity('messaging'));
const telemetry = createTelemetry({ service: 'messaging', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createMessagingService(config, telemetry), telemetry.log);
