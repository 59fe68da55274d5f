/* Sales by SQLite alone, in a file that `ledger-bench make` made: the schema, the pragmas and the batch of the ledger,
 * without its queue, its tasks and its library.
 *
 *     raw-ledger FILE SECONDS BATCH KEYS [each]
 *
 * A sale is a row of `purchases`; a commit of BATCH sales changes the row of the product once. With `each` it is as
 * the ledger was before: random reservation ids, and a savepoint and a change of the product for each sale. Prints rows
 * per second, rows per commit, and microseconds of processor time per row. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static sqlite3 *database;

static void expect(int code) {
    if (code == SQLITE_OK || code == SQLITE_DONE) return;
    fprintf(stderr, "raw-ledger: %s\n", sqlite3_errmsg(database));
    exit(1);
}

static void execute(const char *sql) { expect(sqlite3_exec(database, sql, NULL, NULL, NULL)); }

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement = NULL;
    expect(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
    return statement;
}

/* Returns the number of rows that came back. */
static int run(sqlite3_stmt *statement) {
    int rows = 0, code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) rows++;
    expect(code);
    expect(sqlite3_reset(statement));
    return rows;
}

static void text(sqlite3_stmt *statement, int place, const char *value) {
    expect(sqlite3_bind_text(statement, place, value, -1, SQLITE_TRANSIENT));
}

static uint64_t chance(void) {
    uint64_t value;
    if (getrandom(&value, sizeof value, 0) != sizeof value) exit(1);
    return value;
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct statements {
    sqlite3_stmt *begin, *commit, *savepoint, *release, *earlier, *ended, *update, *insert;
};

/* A counter behind the milliseconds keeps the order of ids within a millisecond. */
static void make_id(char *id, int rises) {
    static uint64_t last, counter;
    if (!rises) {
        snprintf(id, 33, "%016" PRIx64 "%016" PRIx64, chance(), chance());
        return;
    }
    uint64_t now = (uint64_t)(seconds(CLOCK_REALTIME) * 1000);
    counter = now == last ? counter + 1 : 0;
    last = now;
    snprintf(id, 33, "%012" PRIx64 "%04" PRIx64 "%016" PRIx64, now, counter, chance());
}

static void change_product(struct statements *all, int units, const char *id) {
    sqlite3_bind_int(all->update, 1, units);
    sqlite3_bind_int(all->update, 2, 1);
    text(all->update, 4, id);
    if (run(all->update) != 1) exit(1);
}

static void sell(struct statements *all, int users, int has_key, int each) {
    char id[33], key[64], at[32];
    make_id(id, !each);
    int64_t user = 1 + (int64_t)(chance() % (uint64_t)users);
    snprintf(key, sizeof key, "%" PRIx64 "-of-a-client", chance());
    time_t now = time(NULL);
    struct tm parts;
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S.000000Z", gmtime_r(&now, &parts));
    if (each) run(all->savepoint);
    if (has_key) {
        sqlite3_bind_int64(all->earlier, 1, user);
        text(all->earlier, 2, key);
        if (run(all->earlier) != 0) exit(1);
    }
    if (each) {
        change_product(all, 1, id);
    } else {
        text(all->ended, 1, id);
        if (run(all->ended) != 0) exit(1);
    }
    sqlite3_bind_int64(all->insert, 1, user);
    sqlite3_bind_int(all->insert, 2, 1);
    sqlite3_bind_int(all->insert, 3, 1);
    sqlite3_bind_int(all->insert, 4, 300);
    text(all->insert, 5, id);
    if (has_key) text(all->insert, 6, key);
    text(all->insert, 7, "lua-atomic");
    sqlite3_bind_int(all->insert, 8, 1);
    text(all->insert, 9, at);
    run(all->insert);
    if (each) run(all->release);
}

int main(int count, char **words) {
    if (count < 5 || sqlite3_open_v2(words[1], &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        fprintf(stderr, "usage: raw-ledger FILE SECONDS BATCH KEYS [each]\n");
        return 64;
    }
    double duration = atof(words[2]);
    int batch = atoi(words[3]), has_key = atoi(words[4]), each = count > 5 && strcmp(words[5], "each") == 0;
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;"
            "PRAGMA foreign_keys = 1");
    struct statements all = {
        .begin = prepare("BEGIN IMMEDIATE"), .commit = prepare("COMMIT"), .savepoint = prepare("SAVEPOINT sale"),
        .release = prepare("RELEASE sale"),
        .earlier = prepare("SELECT * FROM purchases WHERE user_id = ? AND idempotency_key = ?"),
        .ended = prepare("SELECT 1 FROM ended_reservations WHERE reservation_id = ?"),
        .update = prepare("UPDATE products SET sold = sold + ?1 WHERE id = ?2 AND sold + ?1 <= supplied"
                          " AND epoch = coalesce(?3, epoch) AND deleted_at IS NULL"
                          " AND NOT EXISTS (SELECT 1 FROM ended_reservations WHERE reservation_id = ?4)"
                          " RETURNING price"),
        .insert = prepare("INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id,"
                          " idempotency_key, strategy, fence, purchased_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    };
    sqlite3_stmt *users = prepare("SELECT count(*) FROM users");
    if (sqlite3_step(users) != SQLITE_ROW) return 1;
    int buyers = sqlite3_column_int(users, 0);
    sqlite3_finalize(users);

    long rows = 0, commits = 0;
    double start = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID), spent;
    while ((spent = seconds(CLOCK_MONOTONIC) - start) < duration) {
        run(all.begin);
        for (int sale = 0; sale < batch; sale++) sell(&all, buyers, has_key, each);
        if (!each) change_product(&all, batch, "");
        run(all.commit);
        rows += batch;
        commits++;
    }
    processor = seconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
    printf("%.0f %ld %.0f\n", (double)rows / spent, rows / commits, processor / (double)rows * 1e6);
    return 0;
}
