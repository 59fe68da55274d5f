/* Another program that writes to a SQLite file: takes its write lock, says "held", and keeps it until SIGTERM.
 *
 *     foreign-writer PATH
 *
 * Ends with 0 after it has let go, and with 1 and a line when it cannot take the lock. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>

int main(int count, char **arguments) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    /* Before the first line is out, so that no signal comes too early. */
    sigprocmask(SIG_BLOCK, &ends, NULL);
    sqlite3 *database = NULL;
    if (count != 2 || sqlite3_open_v2(arguments[1], &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK
        || sqlite3_busy_timeout(database, 5000) != SQLITE_OK
        || sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "foreign-writer: %s\n", database ? sqlite3_errmsg(database) : "give one path");
        return 1;
    }
    puts("held");
    fflush(stdout);
    int signal_number = 0;
    sigwait(&ends, &signal_number);
    if (sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK) return 1;
    return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
}
