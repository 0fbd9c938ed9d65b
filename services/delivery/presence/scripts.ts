// Time is Redis' own everywhere, so that no two clocks are compared. A user's hash has a field for each lease,
// `<incarnation>/<device>`, with the time at which it was made, and `seen`, the time at which the last lease was closed.

/** How long a user's hash is kept after the last change, in milliseconds: streams, and with them leases, are renewed in minutes. */
const KEPT_MS = 7 * 24 * 3_600_000;

export const NODE_PREFIX = 'realchat:presence:node:';
export const USER_PREFIX = 'realchat:presence:user:';
/** Each message is the id of a user whose last lease was closed, or who has got the first one. */
export const CHANNEL = 'realchat:presence';

const COMMON = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = {}
local function lives(field)
  local node = string.sub(field, 1, 36)
  if known[node] == nil then known[node] = redis.call('EXISTS', '${NODE_PREFIX}' .. node) == 1 end
  return known[node]
end
`;

/** KEYS: the node's. ARGV: its life in ms. Says whether the node was known. */
export const BEAT = `
local was = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return was
`;

/**
 * KEYS: the node's, and each user's. ARGV: incarnation, channel, and for each user: id, number of devices, devices. Makes the
 * node's leases of each user what they should be, and removes those of nodes that are dead. 0: the node is not known (any more).
 */
export const SETTLE = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
${COMMON}
local at = 3
for i = 2, #KEYS do
  local key, user, count = KEYS[i], ARGV[at], tonumber(ARGV[at + 1])
  local wanted, had, has, seen = {}, false, count > 0, 0
  for d = 1, count do wanted[ARGV[1] .. '/' .. ARGV[at + 1 + d]] = true end
  at = at + 2 + count
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if field ~= 'seen' then
      if string.sub(field, 1, 36) == ARGV[1] then
        had = true
        if wanted[field] then wanted[field] = nil else redis.call('HDEL', key, field) end
      elseif lives(field) then
        had = true
        has = true
      else
        seen = math.max(seen, tonumber(redis.call('HGET', key, field)))
        redis.call('HDEL', key, field)
      end
    end
  end
  if seen > tonumber(redis.call('HGET', key, 'seen') or 0) then redis.call('HSET', key, 'seen', seen) end
  for field in pairs(wanted) do redis.call('HSET', key, field, now) end
  if had and not has then redis.call('HSET', key, 'seen', now) end
  redis.call('PEXPIRE', key, ${KEPT_MS})
  if had ~= has then redis.call('PUBLISH', ARGV[2], user) end
end
return 1
`;

/**
 * KEYS: the asking node's, and each user's. ARGV: patience in ms. For each user two numbers: 1 and 0, online; 1 and the ms that
 * are left, online by patience; 0 and when last seen, offline. Nothing at all while the node itself is not known: then Redis
 * has lost what it had, and the others are not back yet either.
 */
export const READ = `
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
${COMMON}
local patience, found = tonumber(ARGV[1]), {}
for i = 2, #KEYS do
  local fields = redis.call('HGETALL', KEYS[i])
  local online, seen, left = false, 0, 0
  for f = 1, #fields, 2 do
    local value = tonumber(fields[f + 1])
    if fields[f] == 'seen' then left = patience - (now - value)
    elseif lives(fields[f]) then online = true end
    if value > seen then seen = value end
  end
  if online then
    found[#found + 1] = 1
    found[#found + 1] = 0
  elseif left > 0 then
    found[#found + 1] = 1
    found[#found + 1] = left
  else
    found[#found + 1] = 0
    found[#found + 1] = seen
  end
end
return found
`;
