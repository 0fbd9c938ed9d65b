import { type TargetName, targetTitles } from '../targets/target.ts';
import { faultsText } from './cell-line.ts';
import { latencyText, ratioText, withRange } from './format.ts';
import type { BenchResult } from './result.ts';
import { type RateSummary, type SaturationSummary, summarizeRate, summarizeSaturation } from './summary.ts';
import { table } from './table.ts';

/** A result as tables for people, in Markdown. */
export function reportOf(result: BenchResult): string {
  const { rates, scenarios } = result.options;
  const sections = [
    ...(scenarios.includes(1) ? rates.map((rate) => fixedRate(result, rate)) : []),
    ...(scenarios.includes(2) ? [saturation(result)] : []),
    ratios(result),
    conditions(result),
  ];
  return sections.filter(Boolean).join('\n');
}

function fixedRate(result: BenchResult, rate: number): string {
  const all = summariesAt(result, rate);
  const rows = all.map(([target, { ack, receive, cost, kept, rounds, faults }]) => [
    targetTitles[target],
    `${kept}/${rounds}`,
    ack ? latencyText(ack) : '-',
    receive ? latencyText(receive) : '-',
    cost ? withRange(cost.server) : '-',
    cost ? withRange(cost.walBytes) : '-',
    faultsText(faults),
  ]);
  const head = [
    '',
    'kept',
    'ack p50 / p99 / p99.9, ms',
    'receive, ms',
    'server us/message',
    'WAL bytes/message',
    'faults',
  ];
  const reasons = all.flatMap(([target, { why }]) => (why ? [`- ${targetTitles[target]} was not kept: ${why}\n`] : []));
  const lines = [
    `### 1:1, ${rate} messages a second\n`,
    table(head, rows),
    ...(reasons.length ? [reasons.join('')] : []),
  ];
  return [...lines, byProcess(all)].filter(Boolean).join('\n');
}

/** Processor time and memory of each process. */
function byProcess(all: [TargetName, RateSummary | SaturationSummary][]): string {
  const measured = all.flatMap(([target, { cost }]) => (cost ? [{ target, cost }] : []));
  if (measured.length === 0) return '';
  const names = [...new Set(measured.flatMap(({ cost }) => Object.keys(cost.byProcess)))];
  const cell = (name: string) =>
    measured.map(({ cost: { byProcess: micros, megabytes } }) => {
      const [cpu, memory] = [micros[name], megabytes[name]];
      return cpu && memory ? `${cpu.median.toFixed(0)} us, ${memory.median.toFixed(0)} MB` : '';
    });
  const share = (value: number) => `${(value * 100).toFixed(0)} %`;
  return table(
    ['per message, and memory', ...measured.map(({ target }) => targetTitles[target])],
    [
      ...names.map((name) => [name, ...cell(name)]),
      ['load generator, of a core', ...measured.map(({ cost }) => share(cost.generator.median))],
      ['not of the run, of a core', ...measured.map(({ cost }) => share(cost.elsewhere.median))],
    ],
  );
}

function saturation(result: BenchResult): string {
  const all = result.options.targets.flatMap((target): [TargetName, SaturationSummary][] => {
    const summary = summarizeSaturation(result, target);
    return summary ? [[target, summary]] : [];
  });
  const rows = all.map(([target, { highest, cost, faults }]) => [
    targetTitles[target],
    withRange(highest),
    cost ? withRange(cost.server) : '-',
    cost ? withRange(cost.walBytes) : '-',
    faultsText(faults),
  ]);
  const head = ['', 'messages/s', 'server us/message', 'WAL bytes/message', 'faults'];
  const limits = all.flatMap(([target, { limit }]) => (limit ? [`- ${targetTitles[target]}, ${limit}\n`] : []));
  const lines = ['### 1:1, the highest rate with p99 below 100 ms\n', table(head, rows), limits.join('')];
  return [...lines, byProcess(all)].filter(Boolean).join('\n');
}

/** RealChat beside the peer, and both beside the floor. */
function ratios(result: BenchResult): string {
  const rows: string[][] = [];
  const own: TargetName[] = ['websocket', 'grpc'];
  for (const rate of result.options.rates) {
    const [peer, floor] = [summarizeRate(result, 'socketio', rate), summarizeRate(result, 'commit', rate)];
    for (const target of own) {
      const summary = summarizeRate(result, target, rate);
      if (!summary?.ack || !summary.cost || !summary.receive) continue;
      rows.push([
        `${targetTitles[target]}, ${rate}/s`,
        peer?.ack ? ratioText(summary.ack.p50.median, peer.ack.p50.median) : '-',
        peer?.ack ? ratioText(summary.ack.p99.median, peer.ack.p99.median) : '-',
        peer?.receive ? ratioText(summary.receive.p50.median, peer.receive.p50.median) : '-',
        peer?.cost ? ratioText(summary.cost.server.median, peer.cost.server.median) : '-',
        '-',
        floor?.ack ? ratioText(summary.ack.p50.median, floor.ack.p50.median) : '-',
      ]);
    }
  }
  const peer = summarizeSaturation(result, 'socketio');
  for (const target of own) {
    const summary = summarizeSaturation(result, target);
    if (!summary?.cost || !peer?.cost) continue;
    const cpu = ratioText(summary.cost.server.median, peer.cost.server.median);
    const rate = ratioText(summary.highest.median, peer.highest.median);
    rows.push([`${targetTitles[target]}, saturated`, '-', '-', '-', cpu, rate, '-']);
  }
  if (rows.length === 0) return '';
  const head = ['ratio to', 'peer: ack p50', 'ack p99', 'receive p50', 'us/message', 'messages/s', 'floor: ack p50'];
  return `### RealChat beside the peer and the floor of the same run\n\n${table(head, rows)}`;
}

function conditions({ date, commit, machine, versions, settings, options }: BenchResult): string {
  const list = (record: Record<string, string>) =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  return `### Taken on

- ${date.slice(0, 10)}, commit ${commit}; ${options.rounds} rounds, ${options.measuredSeconds} s each after ${options.warmUpSeconds} s of warm-up; ${options.pairs * 2} users in pairs; seed ${options.seed}
- ${machine.cores} cores (${machine.processor}), ${machine.memoryGb} GB, ${machine.system}; load, servers and engines share them
- ${list(versions)}
${Object.entries(settings)
  .map(([system, of]) => `- ${system}: ${list(of)}\n`)
  .join('')}`;
}

function summariesAt(result: BenchResult, rate: number): [TargetName, RateSummary][] {
  return result.options.targets.flatMap((target): [TargetName, RateSummary][] => {
    const summary = summarizeRate(result, target, rate);
    return summary ? [[target, summary]] : [];
  });
}
