-- Empty a shard whose rebuild has begun, unless another one has begun since.
-- KEYS: 1 token, 2.. what is to be deleted
-- ARGV: 1 expected value of the token, 2 its new value
-- Reply: 1 deleted, 0 the token differs
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
for index = 2, #KEYS do
    redis.call('UNLINK', KEYS[index])
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
