import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Pool } from '@realchat/db';
import type { MemberRole, MemberSchema } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { MemberPlace } from '../domain/page-token.ts';

/** A present member, with its place in the list. */
export interface ListedMember extends MemberPlace {
  member: MessageInitShape<typeof MemberSchema>;
}

/** The present members beyond `after`, in the order in which they joined; undefined when the viewer is none of them. */
export async function readMembers(
  pool: Pool,
  query: { viewer: string; conversationId: string; after: MemberPlace | undefined; limit: number },
): Promise<ListedMember[] | undefined> {
  // One statement, and so one moment: a viewer that is removed meanwhile sees nothing newer.
  const result = await pool.query<{
    user_id: string | null;
    role: number;
    joined_seq: bigint;
    read_number: bigint;
    delivered_number: bigint;
  }>(
    `select l.*
     from member v left join lateral (
       select m.user_id, m.role, m.joined_seq, greatest(m.sent_number, r.read_number) as read_number,
              greatest(m.sent_number, r.read_number, r.delivered_number) as delivered_number
       from member m left join read_position r on r.conversation_id = m.conversation_id and r.user_id = m.user_id
       where m.conversation_id = v.conversation_id and m.left_seq is null
         and ($3::bigint is null or (m.joined_seq, m.user_id) > ($3, $4::uuid))
       order by m.joined_seq, m.user_id limit $5) l on true
     where v.conversation_id = $1 and v.user_id = $2 and v.left_seq is null
     order by l.joined_seq, l.user_id`,
    [query.conversationId, query.viewer, query.after?.joinedSeq ?? null, query.after?.userId ?? null, query.limit],
  );
  if (result.rows.length === 0) return undefined;
  return result.rows.flatMap(({ user_id: userId, role, joined_seq: joinedSeq, ...numbers }) =>
    userId === null
      ? []
      : [
          {
            userId,
            joinedSeq,
            member: {
              userId,
              role: role as MemberRole,
              readNumber: numbers.read_number,
              deliveredNumber: numbers.delivered_number,
            },
          },
        ],
  );
}
