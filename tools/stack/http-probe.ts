const TIMEOUT_MS = 2000;

/** Whether a GET is answered with 200 within two seconds. Throws while nothing listens. */
export async function httpAnswers(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), headers: { connection: 'close' } });
  await answer.body?.cancel();
  return answer.status === 200;
}
