import GRDB

/// The schema, step by step. A step that was released is never changed; a new one is added below it.
///
/// Times are RFC 3339 texts in UTC, money is whole won.
enum Migrations {
    static func migrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 users, products, movements, purchases") { database in
            try database.execute(sql: users)
            try database.execute(sql: products)
            try database.execute(sql: movements)
            try database.execute(sql: purchases)
        }
        migrator.registerMigration("2 fillings of stock, ended reservations, refusals") { database in
            try database.execute(sql: fillings)
            try database.execute(sql: endings)
        }
        registerUserSteps(in: &migrator)
        return migrator
    }

    // The origin is the ledger's name in Redis: two ledgers on one Redis must not take each other's stock for theirs.
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
