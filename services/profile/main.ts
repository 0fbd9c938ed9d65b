import { loadConfig } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { createTelemetry, runService } from '@realchat/telemetry';
import { profileSettings } from './config.ts';
import { createProfileService } from './service.ts';

const config = loadConfig(profileSettings, checkIdentity('profile'));
const telemetry = createTelemetry({ service: 'profile', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createProfileService(config, telemetry), telemetry.log);
