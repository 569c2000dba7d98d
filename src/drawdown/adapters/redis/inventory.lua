-- How much a shard holds, as of one cursor. Nothing is written.
-- KEYS: cursor, states, due, buckets (a set of the live ids:* keys' names)
-- Reply: cursor, number of states, number of due times, names of the buckets, number of ids in each
local names = redis.call('SMEMBERS', KEYS[4])
local counts = {}
for index, name in ipairs(names) do
    counts[index] = redis.call('HLEN', name)
end
return {redis.call('GET', KEYS[1]), redis.call('HLEN', KEYS[2]), redis.call('ZCARD', KEYS[3]), names, counts}
