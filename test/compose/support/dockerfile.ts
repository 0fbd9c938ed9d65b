/** One instruction with its words; continuation lines are joined. */
export interface Instruction {
  name: string;
  rest: string;
}

/** A stage: what it starts from, and the instructions after FROM. */
export interface Stage {
  name: string;
  base: string;
  instructions: Instruction[];
}

/** The stages of a Dockerfile in their order. Knows what ours uses, and throws on anything else. */
export function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text.replace(/\\\n/g, ' ').split('\n');
  for (const line of lines.filter((each) => each.trim() !== '' && !each.startsWith('#'))) {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line);
    if (!match) throw new Error(`not an instruction: ${line}`);
    const [, name = '', rest = ''] = match;
    if (name === 'FROM') {
      const from = /^(\S+) AS (\S+)$/.exec(rest);
      if (!from) throw new Error(`a stage without a name: ${line}`);
      stages.push({ base: from[1] ?? '', name: from[2] ?? '', instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ name, rest });
    }
  }
  return stages;
}

/** The images that do not come from the Dockerfile itself. */
export function baseImages(stages: readonly Stage[]): string[] {
  const own = new Set(stages.map(({ name }) => name));
  return stages.map(({ base }) => base).filter((base) => !own.has(base));
}
