/** The answer, or undefined when it fails or takes longer, in milliseconds. */
export async function within<T>(
  ms: number,
  answer: Promise<T>,
  onFailure: (error: unknown) => void = () => {},
): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms);
  const safe = answer.catch((error: unknown) => {
    onFailure(error);
    return undefined;
  });
  try {
    return await Promise.race([safe, late]);
  } finally {
    clearTimeout(timer);
  }
}
