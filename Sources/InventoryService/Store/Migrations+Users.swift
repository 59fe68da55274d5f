import GRDB

extension Migrations {
    /// The steps of users after the first.
    static func registerUserSteps(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("users: token version, disabled") { database in
            try database.execute(
                sql: """
                    ALTER TABLE users ADD COLUMN token_version INTEGER NOT NULL DEFAULT 1;
                    ALTER TABLE users ADD COLUMN disabled_at TEXT
                    """)
        }
    }
}
