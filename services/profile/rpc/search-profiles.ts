import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  SearchProfilesRequest,
  SearchProfilesResponseSchema,
} from '@realchat/gen/realchat/profile/v1/profile_service';
import type { ProfileContext } from '../context.ts';
import { searchProfiles as search } from '../db/search-profiles.ts';
import { decodePageToken, encodePageToken } from '../domain/page-token.ts';
import { toProfile } from './profile-answer.ts';

const DEFAULT_PAGE_SIZE = 20;

/** A page of the profiles whose names begin with a text, for anyone who is logged in. */
export async function searchProfiles(
  context: ProfileContext,
  request: SearchProfilesRequest,
): Promise<MessageInitShape<typeof SearchProfilesResponseSchema>> {
  const after = request.pageToken ? decodePageToken(request.pageToken) : '';
  const size = request.pageSize || DEFAULT_PAGE_SIZE;
  const found = await search(context.pool, { prefix: request.query, after, limit: size + 1 });
  const page = found.slice(0, size);
  const last = page.at(-1)?.username;
  return { profiles: page.map(toProfile), nextPageToken: found.length > size && last ? encodePageToken(last) : '' };
}
