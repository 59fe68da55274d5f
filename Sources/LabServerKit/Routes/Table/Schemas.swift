import InventoryService
import LockStrategies

/// The objects that answers are made of.
enum Schemas {
    static let ids = 1...Int.max
    static let sampleTime: JSONTree = "2026-01-31T09:30:00.000000Z"

    static let user = ObjectDeclaration(
        name: "User",
        fields: [
            .init("id", .wholeNumber(ids), "The number of the user.", example: 1),
            .init("username", .text(1...50), "The name to sign in with.", example: "ann"),
            .init(
                "email", .text(1...100), isNullable: true, "The e-mail address.", example: "ann@example.org"),
            .init("created_at", .time, "When the user registered.", example: sampleTime),
        ])

    static let managedUser = ObjectDeclaration(
        name: "ManagedUser",
        fields: user.fields + [
            .init(
                "role", .choice(UserRole.allCases.map(\.rawValue)), "What the user may do.", example: "user"),
            .init("disabled", .boolean, "Whether signing in is refused.", example: false),
        ])

    static let accessToken = ObjectDeclaration(
        name: "AccessToken",
        fields: [
            .init(
                "access_token", .text(1...4096), "Goes into the header Authorization: Bearer TOKEN.",
                example: "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl"),
            .init("token_type", .choice(["bearer"]), "Always bearer.", example: "bearer"),
            .init("expires_in", .wholeNumber(1...Int.max), "Seconds.", example: 3600),
        ])

    static let product = ObjectDeclaration(
        name: "Product",
        fields: [
            .init("id", .wholeNumber(ids), "The number of the product.", example: 1),
            .init("name", .text(1...100), "What it is called.", example: "Cola"),
            .init(
                "description", .text(0...10_000), isNullable: true, "What it is.", example: "0.5 l, cold"),
            .init("price", .wholeNumber(0...Bounds.price), "Won for one unit.", example: 1500),
            .init(
                "current_stock", .wholeNumber(0...Bounds.units), isNullable: true,
                "Units that can be bought now; null while that is not known.", example: 100),
            .init("created_at", .time, "When it was made.", example: sampleTime),
        ])

    static let stock = ObjectDeclaration(
        name: "Stock",
        fields: [
            .init("product_id", .wholeNumber(ids), "The number of the product.", example: 1),
            .init("quantity", .wholeNumber(0...Bounds.units), "Units that can be bought now.", example: 100),
        ])

    static let purchase = ObjectDeclaration(
        name: "Purchase",
        fields: [
            .init("id", .wholeNumber(ids), "The number of the purchase.", example: 1),
            .init("product_id", .wholeNumber(ids), "What was bought.", example: 1),
            .init("quantity", .wholeNumber(1...Bounds.units), "Units.", example: 2),
            .init(
                "total_price", .wholeNumber(0...Int.max), "Won: the price at that moment times the units.",
                example: 3000),
            .init("purchased_at", .time, "When.", example: sampleTime),
        ])

    static let recordedPurchase = ObjectDeclaration(
        name: "RecordedPurchase",
        fields: [.init("user_id", .wholeNumber(ids), "Who bought.", example: 1)] + purchase.fields)

    static let liveness = ObjectDeclaration(
        name: "Liveness",
        fields: [.init("status", .choice(["live"]), "Always live.", example: "live")])

    static let startup = ObjectDeclaration(
        name: "Startup",
        fields: [
            .init(
                "status", .choice(["started", "starting"]), "Whether the start is over.", example: "started")
        ])

    static let readiness = ObjectDeclaration(
        name: "Readiness",
        fields: [
            .init("status", .choice(["ready", "not ready"]), "Whether it can sell.", example: "ready"),
            .init(
                "strategy", .choice(StrategyRegistry.builtIn.names), "How buyers are kept apart.",
                example: "lua-atomic"),
            .init("out_of_reach", .texts, "What is missing.", example: []),
        ])

    private static let counts = 0...Int.max

    private static let reconciledProduct = ObjectDeclaration(
        name: "ReconciledProduct",
        fields: [
            .init("product_id", .wholeNumber(ids), "The number of the product.", example: 1),
            .init("supplied", .wholeNumber(counts), "Units ever put on sale, by the ledger.", example: 100),
            .init("sold", .wholeNumber(counts), "Units sold, by the ledger.", example: 40),
            .init("reserved", .wholeNumber(counts), "Units of open reservations.", example: 2),
            .init(
                "stock", .wholeNumber(Int.min...Int.max), isNullable: true,
                "Units in Redis; null where it knew none.", example: 58),
            .init(
                "drift", .wholeNumber(Int.min...Int.max), "Units missing (above 0) or too many (below 0).",
                example: 0),
            .init(
                "cleared", .wholeNumber(counts), "Reservations whose purchase stands, cleared.", example: 0),
            .init(
                "returned", .wholeNumber(counts), "Reservations that nobody would finish, given back.",
                example: 1),
            .init(
                "filled", .text(1...500), isNullable: true,
                "Why the stock was filled from the ledger; null where it was not.", example: nil),
            .init("problems", .texts, "What could not be put right yet.", example: []),
        ])

    static let reconciliation = ObjectDeclaration(
        name: "Reconciliation",
        fields: [
            .init("dry_run", .boolean, "Nothing was changed: what would be done is said.", example: false),
            .init("products", .wholeNumber(counts), "Products that were looked at.", example: 12),
            .init(
                "distrusted", .boolean, "Redis was another server than before: every stock was filled anew.",
                example: false),
            .init("findings", .wholeNumber(counts), "Products where something was found.", example: 1),
            .init(
                "cleared", .wholeNumber(counts), "Reservations whose purchase stands, cleared.", example: 0),
            .init(
                "returned", .wholeNumber(counts), "Reservations that nobody would finish, given back.",
                example: 1),
            .init("filled", .wholeNumber(counts), "Stocks that were filled from the ledger.", example: 0),
            .init("drift_units", .wholeNumber(counts), "Units that were missing or too many.", example: 0),
            .init("problems", .texts, "What could not be put right yet.", example: []),
            .init(
                "entries", .objects(reconciledProduct), "The products where something was found.",
                example: [reconciledProduct.example]),
        ])

    static let logLevel = ObjectDeclaration(
        name: "LogLevel",
        fields: [
            .init(
                "level", .choice(LogRoutes.names), "The lowest level that is written.", example: "debug"),
            .init(
                "next_level", .choice(LogRoutes.names), isNullable: true,
                "What follows on a level that was set for a while.", example: "notice"),
            .init(
                "next_in_s", .wholeNumber(counts), isNullable: true, "Seconds until then.", example: 600),
        ])

    static let anything = ObjectDeclaration(name: "OpenAPIDocument", fields: [])

    static let problem = ObjectDeclaration(
        name: "Problem",
        fields: [
            .init(
                "type", .text(1...200), "What errors are told apart by.", example: "/problems/invalid-field"),
            .init("title", .text(1...200), "The type in words.", example: "A field of the request is wrong"),
            .init("status", .wholeNumber(400...599), "The status of the answer.", example: 422),
            .init(
                "detail", .text(0...1000), "What is wrong this time.", example: "quantity must be at least 1"),
            .init(
                "field", .text(0...70_000), isRequired: false, "The field of the request that is wrong.",
                example: "quantity"),
            .init(
                "request_id", .text(1...64), "The id under which the log holds this request.",
                example: "5f0c-1a"),
        ])
}
