import { loadConfig } from '@realchat/config';
import { ensureTopics } from '../stack/topics.ts';
import { topicsSettings } from './config.ts';

const config = loadConfig(topicsSettings);
const made = await ensureTopics(config.KAFKA_BROKERS);
process.stdout.write(made.length > 0 ? `made: ${made.join(', ')}\n` : 'the topics are there\n');
