import InventoryService

extension Migrations {
    /// The steps of users after the first.
    static let userSteps = [
        MigrationStep(
            "users: token version, disabled",
            [
                """
                ALTER TABLE users ADD COLUMN token_version INTEGER NOT NULL DEFAULT 1;
                ALTER TABLE users ADD COLUMN disabled_at TEXT
                """
            ])
    ]
}
