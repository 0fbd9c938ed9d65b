import { ConversationKind, MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';

const { OWNER, ADMIN, MEMBER } = MemberRole;

/** The most members of a group. */
export const MAX_MEMBERS = 1_000;

/** Why a change of a group is refused. */
export type Refusal =
  | 'CONVERSATION_NOT_FOUND'
  | 'NOT_A_GROUP'
  | 'ROLE_REQUIRED'
  | 'OWNER_REQUIRED'
  | 'MEMBER_NOT_FOUND'
  | 'GROUP_FULL';

/** What members may want to do with a group. */
export type GroupAction = 'update' | 'add' | 'remove' | 'change-role' | 'leave';

/** Which roles may do it at all. */
const ROLES_THAT_MAY: Record<GroupAction, readonly MemberRole[]> = {
  update: [OWNER, ADMIN],
  add: [OWNER, ADMIN],
  remove: [OWNER, ADMIN],
  // Admins for the sake of a repeat only: see roleChange.
  'change-role': [OWNER, ADMIN],
  leave: [OWNER, ADMIN, MEMBER],
};

/** Whom a role may remove. Nobody removes oneself: that is leaving. */
const REMOVABLE_BY = new Map<MemberRole, readonly MemberRole[]>([
  [OWNER, [ADMIN, MEMBER]],
  [ADMIN, [MEMBER]],
]);

/** A conversation as the caller stands to it; `role` is undefined for whoever is no present member. */
export interface Standing {
  kind: ConversationKind;
  role: MemberRole | undefined;
}

/** Whether the caller may do this at all. To a stranger, a conversation that is there looks like one that is not. */
export function refusalOf(action: GroupAction, standing: Standing | undefined): Refusal | undefined {
  if (standing?.role === undefined) return 'CONVERSATION_NOT_FOUND';
  if (standing.kind !== ConversationKind.GROUP) return 'NOT_A_GROUP';
  return ROLES_THAT_MAY[action].includes(standing.role) ? undefined : 'ROLE_REQUIRED';
}

/** True when a member of the one role may remove one of the other. */
export function mayRemove(caller: MemberRole, target: MemberRole): boolean {
  return REMOVABLE_BY.get(caller)?.includes(target) ?? false;
}

/** What a wish to change a role comes to: `hand-over` makes the target the owner and the caller an admin. */
export type RoleDecision = 'unchanged' | 'change' | 'hand-over' | Refusal;

/** Decides on a wish that `refusalOf` let through. `target` is undefined for whoever is no present member. */
export function roleChange(wish: {
  caller: MemberRole;
  /** The caller's own role is meant. */
  self: boolean;
  target: MemberRole | undefined;
  wanted: MemberRole;
}): RoleDecision {
  const { caller, self, target, wanted } = wish;
  // The former owner, an admin since, repeats the call that made it so.
  if (caller === ADMIN) return !self && wanted === OWNER && target === OWNER ? 'unchanged' : 'ROLE_REQUIRED';
  if (caller !== OWNER) return 'ROLE_REQUIRED';
  if (target === undefined) return 'MEMBER_NOT_FOUND';
  if (target === wanted) return 'unchanged';
  if (self) return 'OWNER_REQUIRED';
  return wanted === OWNER ? 'hand-over' : 'change';
}

/** A present member, for whom the others are asked in the order in which they joined. */
export interface Candidate {
  userId: string;
  role: MemberRole;
  joinedSeq: bigint;
}

/** Who owns the group when its owner leaves: the oldest admin, else the oldest member; undefined when nobody is left. */
export function heirAmong(remaining: readonly Candidate[]): string | undefined {
  const byAge = remaining.toSorted((a, b) => compare(a.joinedSeq, b.joinedSeq) || compare(a.userId, b.userId));
  return (byAge.find(({ role }) => role === ADMIN) ?? byAge[0])?.userId;
}

function compare<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
