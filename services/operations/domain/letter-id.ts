/** `<topic>/<partition>/<offset>`. */
export function letterId({ topic, partition, offset }: { topic: string; partition: number; offset: bigint }): string {
  return `${topic}/${partition}/${offset}`;
}

/** What an id of the contract's form names. */
export function parseLetterId(id: string): { topic: string; partition: number; offset: bigint } {
  const [topic = '', partition, offset = '0'] = id.split('/');
  return { topic, partition: Number(partition), offset: BigInt(offset) };
}
