-- One look-up: cursor, which ids are known, states. Nothing is written.
-- KEYS: cursor, states, buckets (a set of the live ids:* keys' names), token of a rebuild
-- ARGV: 1 identities, 16 bytes each, packed; 2.. accounts
-- Reply: cursor ('a rebuild is under way' if so: what is there is not to be decided on),
--        indices of known ids (from 0), their values, states
local CHUNK = 4000
local identities = ARGV[1]
local count = #identities / 16
local indices, values = {}, {}
if count > 0 then
    local buckets = redis.call('SMEMBERS', KEYS[3])
    table.sort(buckets)
    for _, bucket in ipairs(buckets) do
        for first = 0, count - 1, CHUNK do
            local fields = {}
            local last = math.min(first + CHUNK, count) - 1
            for index = first, last do
                fields[#fields + 1] = string.sub(identities, index * 16 + 1, index * 16 + 16)
            end
            local found = redis.call('HMGET', bucket, unpack(fields))
            for offset = 1, #fields do
                if found[offset] then
                    indices[#indices + 1] = first + offset - 1
                    values[#values + 1] = found[offset]
                end
            end
        end
    end
end
local states = {}
for first = 2, #ARGV, CHUNK do
    local accounts = {}
    for index = first, math.min(first + CHUNK - 1, #ARGV) do
        accounts[#accounts + 1] = ARGV[index]
    end
    local found = redis.call('HMGET', KEYS[2], unpack(accounts))
    for offset = 1, #accounts do
        states[#states + 1] = found[offset]
    end
end
local cursor = redis.call('GET', KEYS[1])
if not cursor and redis.call('EXISTS', KEYS[4]) == 1 then
    cursor = 'a rebuild is under way'
end
return {cursor, indices, values, states}
