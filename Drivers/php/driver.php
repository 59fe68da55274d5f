<?php
/*
 * The driver protocol for PHP, written once: docs/DRIVERS.md. What a library does stands in its own file.
 *
 * A call of PHP blocks its process. So each request goes to a process of its own, as it does on a PHP server: the first
 * process reads requests and writes answers, and forks another one whenever all are busy.
 *
 * `serve` takes the hello, a function that connects and returns an object with `acquire`, `extend`, `release`, and names
 * of classes that are loaded once, before a process is forked, as a PHP server with a cache of scripts has them. Each call
 * returns the fields of its answer; whatever it throws is answered as an error, and the process connects anew, as the
 * next request on a PHP server does. A handle says all that is needed to release, in whichever process.
 */

const MOST_PROCESSES = 400;

/** For a library that takes whole seconds: never shorter than what was asked for. */
function whole_seconds(int $milliseconds): int
{
    return max(1, intdiv($milliseconds + 999, 1000));
}

function say(array $line): void
{
    fwrite(STDOUT, json_encode($line, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)."\n");
    fflush(STDOUT);
}

/** Of a package of Debian, without the parts that count Debian's changes. */
function version_of(string $package): string
{
    $version = trim((string) shell_exec('dpkg-query -W -f=\'${Version}\' '.escapeshellarg($package)));
    return explode('+', explode('-', $version)[0])[0] ?: 'unknown';
}

/** The setting that the first argument names. */
function chosen(array $settings): string
{
    global $argv;
    $setting = $argv[1] ?? 'defaults';
    if (!isset($settings[$setting]) || count($argv) > 2) {
        fwrite(STDERR, "usage: $argv[0] [".implode('|', array_keys($settings))."]\n");
        exit(64);
    }
    if (!getenv('LAB_REDIS')) {
        fwrite(STDERR, "$argv[0]: LAB_REDIS is missing; lab-bench sets it (docs/DRIVERS.md)\n");
        exit(64);
    }
    return $setting;
}

/** Host and port of each server of LAB_REDIS. */
function servers(): array
{
    return array_map(
        fn ($url) => [parse_url($url, PHP_URL_HOST), parse_url($url, PHP_URL_PORT) ?? 6379],
        explode(',', getenv('LAB_REDIS')));
}

/** What a forked process does until the first one closes its end. */
function work($requests, callable $connect): void
{
    $library = null;
    while (($line = fgets($requests)) !== false) {
        $asked = json_decode($line, true);
        try {
            $library ??= $connect();
            $answer = match ($asked['op']) {
                'acquire' => $library->acquire($asked['key'], $asked['ttl_ms'], $asked['wait_ms']),
                'extend' => $library->extend($asked['handle'], $asked['ttl_ms']),
                'release' => $library->release($asked['handle']),
            };
        } catch (Throwable $error) {
            $library = null;
            $causes = [];
            for ($cause = $error; $cause !== null; $cause = $cause->getPrevious()) {
                $causes[] = get_class($cause).': '.$cause->getMessage();
            }
            $answer = ['result' => 'error', 'message' => substr(implode(' <- ', $causes), 0, 2000), 'unknown' => true];
        }
        fwrite($requests, json_encode(['id' => $asked['id']] + $answer, JSON_UNESCAPED_SLASHES)."\n");
    }
}

/** A new process; returns the first process's end of its pipe. */
function fork_process(array $others, callable $connect)
{
    [$mine, $its] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    if (pcntl_fork() === 0) {
        array_map('fclose', $others);
        fclose($mine);
        fclose(STDIN);
        work($its, $connect);
        exit(0);
    }
    fclose($its);
    return $mine;
}

function serve(array $hello, callable $connect, array $classes): void
{
    array_map('class_exists', $classes);
    say(['hello' => ['protocol' => 1] + $hello]);
    pcntl_signal(SIGCHLD, SIG_IGN);
    stream_set_blocking(STDIN, false);
    [$processes, $idle, $waiting, $unread, $ends] = [[], [], [], '', false];
    while (!$ends) {
        $ready = [STDIN, ...$processes];
        $none = null;
        if (stream_select($ready, $none, $none, null) === false) {
            continue;
        }
        foreach ($ready as $stream) {
            if ($stream !== STDIN) {
                fwrite(STDOUT, fgets($stream));
                $idle[] = $stream;
                continue;
            }
            $unread .= fread(STDIN, 1 << 16);
            $lines = explode("\n", $unread);
            $unread = array_pop($lines);
            foreach ($lines as $line) {
                $ends = $ends || json_decode($line, true)['op'] === 'quit';
                $waiting[] = $line;
            }
            $ends = $ends || feof(STDIN);
        }
        while (!$ends && $waiting && ($idle || count($processes) < MOST_PROCESSES)) {
            if (!$idle) {
                $idle[] = $processes[] = fork_process($processes, $connect);
            }
            fwrite(array_pop($idle), array_shift($waiting)."\n");
        }
    }
    // What still waits for a lock is of no interest any more.
    fflush(STDOUT);
    exit(0);
}
