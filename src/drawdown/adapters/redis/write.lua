-- Writes of an apply (guard = the cursor) or of a rebuild's chunk or end (guard = the token), all or nothing.
-- KEYS: 1 guard, 2 states, 3 due, 4 buckets, 5 cursor, 6 token, 7.. id buckets
-- ARGV: 1 expected value of the guard ('' = it must not exist), 2 new cursor ('' = leave it),
--       3 '1' = delete the guard, '0' = leave it, else its new value,
--       4 number of states, then per state: account, value, due ('' = none); then per id bucket: number of ids,
--       then identity and value of each
-- Reply: 1 written, 0 the guard differs
local guard = redis.call('GET', KEYS[1]) or ''
if guard ~= ARGV[1] then
    return 0
end
-- a first apply must not slip into a rebuild that has just deleted the cursor
if ARGV[1] == '' and redis.call('EXISTS', KEYS[6]) == 1 then
    return 0
end
-- Redis does not roll back: whatever could fail is checked before the first write
local wanted = {string = {KEYS[5]}, hash = {KEYS[2]}, zset = {KEYS[3]}, set = {KEYS[4]}}
for index = 7, #KEYS do
    table.insert(wanted.hash, KEYS[index])
end
for kind, keys in pairs(wanted) do
    for _, key in ipairs(keys) do
        local held = redis.call('TYPE', key).ok
        if held ~= 'none' and held ~= kind then
            return redis.error_reply('DRAWDOWN ' .. key .. ' is a ' .. held .. ', not a ' .. kind)
        end
    end
end
local at = 5
for _ = 1, tonumber(ARGV[4]) do
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
    if ARGV[at + 2] == '' then
        redis.call('ZREM', KEYS[3], ARGV[at])
    else
        redis.call('ZADD', KEYS[3], ARGV[at + 2], ARGV[at])
    end
    at = at + 3
end
for index = 7, #KEYS do
    local count = tonumber(ARGV[at])
    at = at + 1
    for first = at, at + 2 * count - 1, 4000 do
        local last = math.min(first + 3999, at + 2 * count - 1)
        redis.call('HSET', KEYS[index], unpack(ARGV, first, last))
    end
    at = at + 2 * count
    redis.call('SADD', KEYS[4], KEYS[index])
end
if ARGV[2] ~= '' then
    redis.call('SET', KEYS[5], ARGV[2])
end
if ARGV[3] == '1' then
    redis.call('DEL', KEYS[1])
elseif ARGV[3] ~= '0' then
    redis.call('SET', KEYS[1], ARGV[3])
end
return 1
