import { loadConfig } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { createTelemetry, runService } from '@realchat/telemetry';
import { authSettings } from './config.ts';
import { createAuthService } from './service.ts';

const config = loadConfig(authSettings, checkIdentity('auth'));
const telemetry = createTelemetry({ service: 'auth', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createAuthService(config, telemetry), telemetry.log);
