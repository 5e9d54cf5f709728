-- One limit that many processes share: an exact log of what was sent in the last window.
--
-- KEYS[1]  sorted set, a member for every unit. The score of a sent unit is when it was sent; of a granted one
--          that is not sent yet, PENDING plus the end of its lease. Times are microseconds of Redis' clock.
-- KEYS[2]  hash, what a server asked for: nothing goes before resume, and until eased one follows another.
-- ARGV     "take" n span lease id cost jitter          -> {granted, wait, pending units}
--          "settle" n span lease [what id amount]...   -> {0, 0, 0}
local log, said = KEYS[1], KEYS[2]
local n, span, lease = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local PENDING = 4e15
local clock = redis.call('TIME')
local now = clock[1] * 1e6 + clock[2]

-- Lua itself would write 1.7e+15.
local function text(number) return string.format('%.0f', number) end

local function put(id, cost, score)
  for unit = 1, cost do redis.call('ZADD', log, text(score), id .. ':' .. unit) end
end

local function live(key, length) redis.call('PEXPIRE', key, text(math.ceil(length / 1000) + 1000)) end

local function rescore(from, to, score)
  for _, unit in ipairs(redis.call('ZRANGEBYSCORE', log, from, to)) do redis.call('ZADD', log, text(score), unit) end
end

-- Nobody knows whether a unit was sent whose lease has run out: it counts as sent at the last moment that it could be.
local lost = redis.call('ZRANGEBYSCORE', log, text(PENDING), text(PENDING + now), 'WITHSCORES')
for i = 1, #lost, 2 do redis.call('ZADD', log, text(lost[i + 1] - PENDING), lost[i]) end
redis.call('ZREMRANGEBYSCORE', log, '-inf', text(now - span))

-- A clock that was set back, or a replica's that is behind, leaves times of the future: they count as now.
rescore('(' .. text(now), '(' .. text(PENDING), now)
rescore('(' .. text(PENDING + now + lease), '+inf', PENDING + now + lease)
local words = redis.call('HMGET', said, 'at', 'resume', 'eased')
local at, resume, eased = tonumber(words[1] or 0), tonumber(words[2] or 0), tonumber(words[3] or 0)
if at > now then
  resume, eased = resume - (at - now), eased - (at - now)
  redis.call('HSET', said, 'at', text(now), 'resume', text(resume), 'eased', text(eased))
end

if ARGV[1] == 'take' then
  local id, cost, jitter = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
  if redis.call('ZSCORE', log, id .. ':1') then return {1, 0, 0} end -- the client asks again, having lost the answer
  local free = resume
  local over = redis.call('ZCARD', log) + cost - n
  if over > 0 then
    local last = redis.call('ZRANGE', log, over - 1, over - 1, 'WITHSCORES')
    free = math.max(free, math.min(tonumber(last[2]), now) + span)
  end
  if free > now then return {0, free - now, redis.call('ZCOUNT', log, text(PENDING), '+inf')} end
  put(id, cost, PENDING + now + lease)
  live(log, span + lease)
  if now < eased then redis.call('HSET', said, 'resume', text(now + jitter)) end
  return {1, 0, 0}
end

for i = 5, #ARGV, 3 do
  local what, id, amount = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if what == 'sent' then
    put(id, amount, now)
  elseif what == 'renew' then
    put(id, amount, PENDING + now + lease)
  elseif what == 'cancel' then
    for unit = 1, amount do redis.call('ZREM', log, id .. ':' .. unit) end
  elseif what == 'pause' and now + amount > resume then
    resume = now + amount
    redis.call('HSET', said, 'at', text(now), 'resume', text(resume), 'eased', text(resume + span))
    live(said, amount + span)
  end
end
live(log, span + lease)
return {0, 0, 0}
