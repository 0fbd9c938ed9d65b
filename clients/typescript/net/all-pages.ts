/** All of a list of conversations, page by page; the first page is asked for with an empty token. */
export async function allPages<T>(
  page: (token: string) => Promise<{ conversations: T[]; nextPageToken: string }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let token = ''; ; ) {
    const { conversations, nextPageToken } = await page(token);
    all.push(...conversations);
    if (nextPageToken === '') return all;
    token = nextPageToken;
  }
}
