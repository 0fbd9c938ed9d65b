/** The token of an `Authorization: Bearer` header; undefined without one. */
export function bearerToken(headers: Headers): string | undefined {
  const header = headers.get('authorization');
  return header !== null && /^bearer /i.test(header) ? header.slice('bearer '.length).trim() : undefined;
}
