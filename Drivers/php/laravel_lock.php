<?php
/*
 * Laravel's cache lock on Redis, through Predis, one of the two clients that Laravel has. Debian has no package of
 * illuminate/redis, whose connection hands the commands of this lock to Predis' client; the lock gets that client itself.
 * Expiry and waiting are whole seconds. There is no call to extend.
 */

require 'Illuminate/Support/autoload.php';
require 'Illuminate/Cache/autoload.php';
require 'Predis/autoload.php';
require __DIR__.'/driver.php';

use Illuminate\Cache\LuaScripts;
use Illuminate\Cache\RedisLock;
use Illuminate\Contracts\Cache\LockTimeoutException;
use Illuminate\Support\Carbon;
use Illuminate\Support\Str;

final class LaravelLock
{
    private Predis\Client $client;

    public function __construct(private string $setting)
    {
        [$host, $port] = servers()[0];
        $this->client = new Predis\Client(['host' => $host, 'port' => $port]);
    }

    public function acquire(string $name, int $ttl_ms, int $wait_ms): array
    {
        $lock = new RedisLock($this->client, $name, whole_seconds($ttl_ms));
        if ($this->setting === 'best') {
            $lock->betweenBlockedAttemptsSleepFor(10);
        }
        try {
            $granted = $wait_ms > 0 ? $lock->block(whole_seconds($wait_ms)) : $lock->get();
        } catch (LockTimeoutException) {
            $granted = false;
        }
        return $granted
            ? ['result' => 'granted', 'handle' => base64_encode($name).' '.$lock->owner()]
            : ['result' => 'contended'];
    }

    /** What Laravel's `restoreLock` does with the owner's name. */
    public function release(string $handle): array
    {
        [$name, $owner] = explode(' ', $handle);
        $lock = new RedisLock($this->client, base64_decode($name), 0, $owner);
        return ['result' => $lock->release() ? 'released' : 'lost'];
    }
}

$settings = ['defaults' => 'a pause of 250 ms', 'best' => 'betweenBlockedAttemptsSleepFor(10)'];
$setting = chosen($settings);
serve(
    ['name' => 'Laravel cache lock', 'version' => version_of('php-illuminate-cache'),
     'setting' => "$setting: $settings[$setting]", 'abilities' => ['portable_handle']],
    fn () => new LaravelLock($setting),
    [RedisLock::class, LuaScripts::class, Carbon::class, Str::class, LockTimeoutException::class, Predis\Client::class]);
