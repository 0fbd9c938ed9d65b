import { loadConfig } from '@realchat/config';
import { createTelemetry, runService } from '@realchat/telemetry';
import { relaySettings } from './config.ts';
import { createRelayService } from './relay-service.ts';

const config = loadConfig(relaySettings);
const telemetry = createTelemetry({ service: 'relay', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createRelayService(config, telemetry), telemetry.log);
