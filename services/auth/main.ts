import { loadConfig } from '@realchat/config';
import { createTelemetry, runService } from '@realchat/telemetry';
import { authSettings } from './config.ts';
import { createAuthService } from './service.ts';

const config = loadConfig(authSettings);
const telemetry = createTelemetry({ service: 'auth', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createAuthService(config, telemetry), telemetry.log);
