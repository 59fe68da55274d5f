<?php
/* The parts of findings.py that speak with a library in PHP: findings.php NAME PORT, one line of output. */

require 'Symfony/Component/Lock/autoload.php';
require 'Illuminate/Support/autoload.php';
require 'Illuminate/Cache/autoload.php';
require 'Predis/autoload.php';

use Illuminate\Cache\RedisLock;
use Symfony\Component\Lock\LockFactory;
use Symfony\Component\Lock\Store\RedisStore;

function factory(int $port): LockFactory
{
    $redis = new Redis();
    // With short time limits: phpredis may connect anew after a lost connection, and wait for an answer there.
    $redis->connect('127.0.0.1', $port, 2.0, null, 0, 2.0);
    return new LockFactory(new RedisStore($redis));
}

/** The name of what it threw, without its namespace, or `returned`. */
function outcome(callable $call): string
{
    try {
        $call();
        return 'returned';
    } catch (Throwable $error) {
        return (new ReflectionClass($error))->getShortName();
    }
}

[, $name, $port] = $argv;
switch ($name) {
    case 'initial-ttl':
        echo 'acquire raised ', outcome(fn () => factory($port)->createLock('a', 1.0, false)->acquire()), "\n";
        break;
    case 'late-release':
        $lock = factory($port)->createLock('a', 1.0, false);
        $lock->acquire();
        usleep(1_200_000);
        $other = factory($port)->createLock('a', 10.0, false);
        $other->acquire();
        $released = outcome(fn () => $lock->release());
        echo $other->isAcquired() ? $released : 'the other has lost its lock', "\n";
        break;
    case 'block':
        $redis = new Predis\Client(['host' => '127.0.0.1', 'port' => (int) $port]);
        // Once beforehand, so that no time goes into loading classes.
        (new RedisLock($redis, 'a', 100))->block(1);
        while (abs(fmod(microtime(true), 1) - 0.8) > 0.01) {
            usleep(1000);
        }
        $begun = hrtime(true);
        $result = outcome(fn () => (new RedisLock($redis, 'a', 100))->block(1));
        echo $result, ' ', intdiv(hrtime(true) - $begun, 1_000_000), "\n";
        break;
}
