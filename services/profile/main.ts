import { loadConfig } from '@realchat/config';
import { createTelemetry, runService } from '@realchat/telemetry';
import { profileSettings } from './config.ts';
import { createProfileService } from './service.ts';

const config = loadConfig(profileSettings);
const telemetry = createTelemetry({ service: 'profile', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createProfileService(config, telemetry), telemetry.log);
