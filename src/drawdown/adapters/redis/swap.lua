-- Put a shard that was built in a fresh place where readers look, all at once.
-- KEYS: 1 new token, 2 new states, 3 new due, 4 new buckets, 5 states, 6 due, 7 buckets, 8 cursor, 9 token of a rebuild
--       in place, which may write no more, 10.. the shard's ids:* keys as they were found
-- ARGV: 1 token and writes done, 2 new cursor, 3 cursor that must be there ('' = none), 4 '1' = whatever is there, for it cannot be read
-- Reply: 1 swapped, 0 the cursor has moved on, -1 another rebuild has begun, or a chunk is lost
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return -1
end
if ARGV[4] ~= '1' then
    local held = redis.pcall('GET', KEYS[8])
    if type(held) == 'table' or (held or '') ~= ARGV[3] then
        return 0
    end
end
-- the fresh place is ours alone; of the old one anything may have been made
for index = 10, #KEYS do
    redis.call('UNLINK', KEYS[index])
end
local live = redis.pcall('SMEMBERS', KEYS[7])
for _, name in ipairs(live.err and {} or live) do
    redis.call('UNLINK', name)
end
local fresh = redis.call('SMEMBERS', KEYS[4])
redis.call('UNLINK', KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9])
for _, name in ipairs(fresh) do
    local place = string.gsub(name, ':new:(ids:%-?%d+)$', ':%1')
    redis.call('RENAME', name, place)
    redis.call('SADD', KEYS[7], place)
end
for index = 2, 3 do
    if redis.call('EXISTS', KEYS[index]) == 1 then
        redis.call('RENAME', KEYS[index], KEYS[index + 3])
    end
end
redis.call('SET', KEYS[8], ARGV[2])
redis.call('UNLINK', KEYS[1], KEYS[4])
return 1
