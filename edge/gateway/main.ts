import { loadConfig } from '@realchat/config';
import { createTelemetry, runService } from '@realchat/telemetry';
import { gatewaySettings } from './config.ts';
import { createGatewayService } from './service.ts';

const config = loadConfig(gatewaySettings);
const telemetry = createTelemetry({ service: 'gateway', instance: config.INSTANCE_ID, level: config.LOG_LEVEL });
await runService(createGatewayService(config, telemetry), telemetry.log);
