import { describeSettings, type SettingDescription, type Settings } from '@realchat/config';
import { databaseSettings } from '@realchat/db';
import { databasesSettings, edgeSettings, meshTlsSettings, topicsSettings } from './compose/config.ts';
import { meshSettings } from './stack/mesh-settings.ts';

const INTRODUCTION = `# Configuration

<!-- Made by npm run generate from the settings that the processes declare. -->

Every process reads its settings from the environment, before any port opens. An empty variable counts as unset. A process that
cannot use its settings says every problem at once and exits with 78. \`npm start\` and \`docker-compose.yml\` set all that is
required; the variables of \`docker-compose.yml\` itself are in [\`.env.example\`](../.env.example).

No secret has a default, and none is logged.
`;

/** One row per process that is no service of the mesh. */
const JOBS: Readonly<Record<string, { purpose: string; settings: Settings }>> = {
  'db/migrate-main.ts': {
    purpose: "Of auth, profile and messaging: brings the service's tables up to date, then ends.",
    settings: { DATABASE_URL: databaseSettings.DATABASE_URL },
  },
  'tools/compose/databases-main.ts': {
    purpose: 'Makes the databases and a role for each, then ends.',
    settings: databasesSettings,
  },
  'tools/compose/topics-main.ts': { purpose: 'Makes the topics, then ends.', settings: topicsSettings },
  'tools/compose/mesh-tls-main.ts': {
    purpose: 'Makes the authority of the mesh and a certificate for each of its processes, then ends.',
    settings: meshTlsSettings,
  },
  'tools/compose/edge-main.ts': {
    purpose: "Writes Envoy's configuration and, in development, its certificate, then ends.",
    settings: edgeSettings,
  },
};

/** The page that lists every setting of every process: `docs/configuration.md`. */
export function configurationPage(): string {
  const mesh = Object.entries(meshSettings);
  const everywhere = commonTo(mesh.map(([, settings]) => settings));
  return [
    INTRODUCTION,
    '## Every process of the mesh\n',
    table(everywhere),
    ...mesh.flatMap(([name, settings]) => [`## ${name}\n`, table(without(settings, everywhere))]),
    '## One-shot jobs\n',
    ...Object.entries(JOBS).flatMap(([entry, { purpose, settings }]) => [
      `### \`${entry}\`\n`,
      `${purpose}\n`,
      table(settings),
    ]),
  ].join('\n');
}

/** Settings that all have, declared at the same place. */
function commonTo([first = {}, ...others]: Settings[]): Settings {
  return Object.fromEntries(
    Object.entries(first).filter(([name, schema]) => others.every((settings) => settings[name] === schema)),
  );
}

function without(settings: Settings, left: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in left)));
}

function table(settings: Settings): string {
  const head = '| Variable | Default | Values | Meaning |\n|---|---|---|---|\n';
  return `${head}${describeSettings(settings).map(row).join('')}`;
}

function row(setting: SettingDescription): string {
  const meaning = setting.secret ? `**Secret.** ${setting.description}` : setting.description;
  const cells = [`\`${setting.name}\``, defaultCell(setting), setting.values ?? '', meaning];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

function defaultCell({ required, default: value }: SettingDescription): string {
  if (required) return '**required**';
  return value === undefined ? 'none' : value.includes(' ') ? value : `\`${value}\``;
}
