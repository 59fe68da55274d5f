<?php
/*
 * Symfony's Lock with its store for Redis, through phpredis. A wait with a time limit is not among its calls: `acquire`
 * tries once, or waits for ever with a pause of 100 ms. So the caller repeats the first with the pause of the second.
 * `release` is silent about what it found: the answer is `released` whenever it returns.
 */

require 'Symfony/Component/Lock/autoload.php';
require __DIR__.'/driver.php';

use Psr\Log\NullLogger;
use Symfony\Component\Lock\Exception\LockConflictedException;
use Symfony\Component\Lock\Exception\LockExpiredException;
use Symfony\Component\Lock\Key;
use Symfony\Component\Lock\Lock;
use Symfony\Component\Lock\LockFactory;
use Symfony\Component\Lock\Store\CombinedStore;
use Symfony\Component\Lock\Store\RedisStore;
use Symfony\Component\Lock\Strategy\ConsensusStrategy;

final class SymfonyLock
{
    private const PAUSE_MICROSECONDS = 100_000;
    private array $clients;

    public function __construct(private string $setting)
    {
        $servers = $setting === 'quorum' ? servers() : array_slice(servers(), 0, 1);
        $this->clients = array_map(function ($server) use ($setting) {
            $client = new Redis();
            // phpredis waits for an answer as long as default_socket_timeout of PHP, 60 s.
            $setting === 'defaults' ? $client->connect(...$server) : $client->connect(...[...$server, 1.0, null, 0, 1.0]);
            return $client;
        }, $servers);
    }

    /** With a store whose keys live as long as the lock, except for `defaults`: 300 s until the lock's own TTL is set. */
    private function factory(float $ttl): LockFactory
    {
        $stores = array_map(
            fn ($client) => $this->setting === 'defaults' ? new RedisStore($client) : new RedisStore($client, $ttl),
            $this->clients);
        return new LockFactory(
            $this->setting === 'quorum' ? new CombinedStore($stores, new ConsensusStrategy()) : $stores[0]);
    }

    public function acquire(string $name, int $ttl_ms, int $wait_ms): array
    {
        $until = hrtime(true) / 1e6 + $wait_ms;
        $key = new Key($name);
        $lock = $this->factory($ttl_ms / 1000)->createLockFromKey($key, $ttl_ms / 1000, false);
        while (!$lock->acquire()) {
            if (hrtime(true) / 1e6 >= $until) {
                return ['result' => 'contended'];
            }
            usleep(self::PAUSE_MICROSECONDS);
        }
        return [
            'result' => 'granted', 'handle' => base64_encode(serialize($key)),
            'validity_ms' => max(0, (int) ($lock->getRemainingLifetime() * 1000)),
        ];
    }

    private function held(string $handle, int $ttl_ms)
    {
        return $this->factory($ttl_ms / 1000)->createLockFromKey(
            unserialize(base64_decode($handle)), $ttl_ms / 1000, false);
    }

    public function extend(string $handle, int $ttl_ms): array
    {
        $lock = $this->held($handle, $ttl_ms);
        try {
            $lock->refresh($ttl_ms / 1000);
        } catch (LockConflictedException|LockExpiredException) {
            return ['result' => 'lost'];
        }
        return ['result' => 'extended', 'validity_ms' => max(0, (int) ($lock->getRemainingLifetime() * 1000))];
    }

    public function release(string $handle): array
    {
        $this->held($handle, 1000)->release();
        return ['result' => 'released'];
    }
}

$settings = [
    'defaults' => 'RedisStore with its initial TTL of 300 s',
    'best' => 'RedisStore with the initial TTL of the lock, time limits of 1 s',
    'quorum' => 'CombinedStore with ConsensusStrategy, time limits of 1 s',
];
$setting = chosen($settings);
serve(
    ['name' => 'Symfony Lock', 'version' => version_of('php-symfony-lock'), 'setting' => "$setting: $settings[$setting]",
     'abilities' => ['extend', 'portable_handle', ...($setting === 'quorum' ? ['quorum'] : [])]],
    fn () => new SymfonyLock($setting),
    [LockFactory::class, Lock::class, Key::class, RedisStore::class, CombinedStore::class, ConsensusStrategy::class,
     LockConflictedException::class, NullLogger::class]);
