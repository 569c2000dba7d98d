-- What a shard holds of some accounts and ids, as of one cursor. Nothing is written.
-- KEYS: 1 cursor, 2 states, 3 due, 4 buckets, 5.. id buckets
-- ARGV: number of accounts, accounts; then per id bucket: number of ids, identities
-- Reply: cursor, states, due times as text, values of the ids; an id in a bucket that look-ups do not ask is not there
local CHUNK = 4000
local function all(command, key, first, last)
    local found = {}
    for from = first, last, CHUNK do
        local upto = math.min(from + CHUNK - 1, last)
        local values = redis.call(command, key, unpack(ARGV, from, upto))
        for offset = 1, upto - from + 1 do
            found[#found + 1] = values[offset]
        end
    end
    return found
end
local count = tonumber(ARGV[1])
local states = all('HMGET', KEYS[2], 2, count + 1)
local due = all('ZMSCORE', KEYS[3], 2, count + 1)
local at = count + 2
local values = {}
for index = 5, #KEYS do
    local number = tonumber(ARGV[at])
    local live = redis.call('SISMEMBER', KEYS[4], KEYS[index]) == 1
    local found = live and all('HMGET', KEYS[index], at + 1, at + number)
    for offset = 1, number do
        values[#values + 1] = live and found[offset]
    end
    at = at + number + 1
end
return {redis.call('GET', KEYS[1]), states, due, values}
