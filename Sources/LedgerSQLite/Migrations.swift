import GRDB
import InventoryService

/// The schema, step by step. A step that was released is never changed; a new one is added below it.
///
/// Each step runs in one transaction, with the note that it ran and the checksum of its text, so a ledger
/// that went through other steps than this program's is told from one that went through the same
/// (`schema_steps`). There is no way back: a copy of the file is kept before the first step of an existing
/// ledger.
///
/// Times are RFC 3339 texts in UTC, money is whole won.
enum Migrations {
    static let steps =
        [
            MigrationStep(
                "1 users, products, movements, purchases", [users, products, movements, purchases]),
            MigrationStep("2 fillings of stock, ended reservations, refusals", [fillings, endings]),
        ] + userSteps + [
            MigrationStep("4 checksums of steps, time of a backup", [checksums]),
            MigrationStep("5 refusals by time", [refusalTimes]),
            MigrationStep("6 servers that share the ledger", [sharing]),
        ]

    static func migrator() -> DatabaseMigrator { migrator(steps) }

    /// - Parameter steps: In the order in which they run.
    static func migrator(_ steps: [MigrationStep]) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for (index, step) in steps.enumerated() {
            migrator.registerMigration(step.name) { database in
                for statement in step.statements { try database.execute(sql: statement) }
                try note(steps[...index], in: database)
            }
        }
        return migrator
    }

    /// Notes the checksums of steps that have none yet; nothing before the step that makes the table.
    private static func note(_ steps: ArraySlice<MigrationStep>, in database: Database) throws {
        guard try database.tableExists("schema_steps") else { return }
        for step in steps {
            try database.execute(
                sql: "INSERT INTO schema_steps (name, sha256) VALUES (?, ?) ON CONFLICT DO NOTHING",
                arguments: [step.name, step.checksum])
        }
    }

    /// Where a database stands among the steps of this program.
    static func standing(of database: Database) throws -> LedgerInspection.Schema {
        let migrator = migrator()
        if try migrator.hasBeenSuperseded(database) { return .newer }
        let applied = try migrator.appliedIdentifiers(database)
        if applied.isEmpty { return .none }
        if let step = try altered(among: applied, in: database) { return .altered(step: step) }
        return try migrator.hasCompletedMigrations(database) ? .current : .older
    }

    /// The first step that the database went through with another text than this program's.
    private static func altered(
        among applied: Set<String>, in database: Database
    ) throws -> String? {
        guard try database.tableExists("schema_steps") else { return nil }
        var noted: [String: String] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT name, sha256 FROM schema_steps") {
            noted[row["name"]] = row["sha256"]
        }
        return steps.first { applied.contains($0.name) && noted[$0.name] != $0.checksum }?.name
    }

    // The time stands only in a copy that `backup` made: when it began.
    private static let checksums = """
        CREATE TABLE schema_steps (
            name TEXT PRIMARY KEY,
            sha256 TEXT NOT NULL CHECK (length(sha256) = 64)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE backup_mark (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            taken_at TEXT NOT NULL
        ) STRICT
        """

    // For the newest of a user, and for the oldest of all.
    private static let refusalTimes = """
        CREATE INDEX refused_purchases_by_user ON refused_purchases (user_id, refused_at);
        CREATE INDEX refused_purchases_by_time ON refused_purchases (refused_at)
        """

    // One process has a ledger on SQLite, so nothing is ever written here: the tables are those of a ledger
    // that servers share, so that both have one schema.
    private static let sharing = """
        CREATE TABLE servers (
            id INTEGER PRIMARY KEY,
            ends_at TEXT NOT NULL
        ) STRICT;
        CREATE TABLE reconcile_turn (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            fence INTEGER NOT NULL,
            holder INTEGER,
            ends_at TEXT NOT NULL
        ) STRICT;
        CREATE TABLE user_changes (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            number INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE supply_under_way (
            reservation_id TEXT PRIMARY KEY CHECK (length(reservation_id) BETWEEN 1 AND 64),
            product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID
        """

    // The origin is the ledger's name in Redis: two ledgers on one Redis must not take each other's stock for
    // theirs.
    private static let fillings = """
        ALTER TABLE products ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch >= 1);
        ALTER TABLE products ADD COLUMN deleted_at TEXT;
        CREATE TABLE stock_origin (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            origin TEXT NOT NULL CHECK (length(origin) = 16)
        ) STRICT;
        INSERT INTO stock_origin (id, origin) VALUES (1, lower(hex(randomblob(8))));
        CREATE TABLE stock_servers (
            run_id TEXT PRIMARY KEY
        ) STRICT, WITHOUT ROWID
        """

    private static let endings = """
        ALTER TABLE stock_movements ADD COLUMN reservation_id TEXT
            CHECK (length(reservation_id) BETWEEN 1 AND 64);
        CREATE UNIQUE INDEX stock_movements_by_reservation ON stock_movements (reservation_id)
            WHERE reservation_id IS NOT NULL;
        CREATE TABLE ended_reservations (
            reservation_id TEXT PRIMARY KEY CHECK (length(reservation_id) BETWEEN 1 AND 64),
            ended_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX ended_reservations_by_time ON ended_reservations (ended_at);
        CREATE TABLE refused_purchases (
            user_id INTEGER NOT NULL REFERENCES users (id),
            idempotency_key TEXT NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
            product_id INTEGER NOT NULL,
            quantity INTEGER NOT NULL CHECK (quantity >= 1),
            outcome TEXT NOT NULL CHECK (outcome IN ('sold-out', 'oversell-refused', 'product-not-found')),
            refused_at TEXT NOT NULL,
            PRIMARY KEY (user_id, idempotency_key)
        ) STRICT, WITHOUT ROWID
        """

    private static let users = """
        CREATE TABLE users (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            username TEXT NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 50),
            email TEXT UNIQUE CHECK (length(email) BETWEEN 1 AND 100),
            hashed_password TEXT NOT NULL CHECK (length(hashed_password) BETWEEN 1 AND 255),
            role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        ) STRICT
        """

    // `sold <= supplied` stands here too: the last guard holds even against a wrong statement.
    private static let products = """
        CREATE TABLE products (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
            description TEXT CHECK (length(description) <= 10000),
            price INTEGER NOT NULL CHECK (price >= 0),
            supplied INTEGER NOT NULL DEFAULT 0 CHECK (supplied >= 0),
            sold INTEGER NOT NULL DEFAULT 0 CHECK (sold >= 0 AND sold <= supplied),
            created_at TEXT NOT NULL
        ) STRICT
        """

    private static let movements = """
        CREATE TABLE stock_movements (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
            delta INTEGER NOT NULL,
            reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
            actor_id INTEGER REFERENCES users (id),
            created_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX stock_movements_by_product ON stock_movements (product_id)
        """

    private static let purchases = """
        CREATE TABLE purchases (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id INTEGER NOT NULL REFERENCES users (id),
            product_id INTEGER NOT NULL REFERENCES products (id),
            quantity INTEGER NOT NULL CHECK (quantity >= 1),
            total_price INTEGER NOT NULL CHECK (total_price >= 0),
            reservation_id TEXT NOT NULL UNIQUE CHECK (length(reservation_id) BETWEEN 1 AND 64),
            idempotency_key TEXT CHECK (length(idempotency_key) BETWEEN 1 AND 255),
            strategy TEXT NOT NULL,
            fence INTEGER,
            purchased_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX purchases_by_user ON purchases (user_id);
        CREATE INDEX purchases_by_product ON purchases (product_id);
        CREATE UNIQUE INDEX purchases_by_idempotency_key ON purchases (user_id, idempotency_key)
            WHERE idempotency_key IS NOT NULL
        """
}
