import HTTPTypes
import InventoryService

extension RouteTable {
    private static func filter(_ name: String, _ shape: ValueShape, _ note: String, example: JSONTree)
        -> RouteDeclaration.Parameter
    {
        .init(.query, .init(name, shape, isRequired: false, note, example: example))
    }

    static let admin: [RouteDeclaration] = [
        .init(
            .changeProduct, .patch, "/api/admin/products/{id}", .admin, tag: "admin",
            "Change name, description or price of a product", parameters: [id("product")],
            body: .init(
                name: "ProductChange",
                fields: [
                    .init(
                        "name", .text(1...100, pattern: noNUL), isRequired: false, "The new name.",
                        example: "Cola zero"),
                    .init(
                        "description", .text(0...10_000, pattern: noNUL), isRequired: false,
                        isNullable: true, "The new description; null removes it.", example: "0.3 l"),
                    .init(
                        "price", .wholeNumber(0...Bounds.price), isRequired: false,
                        "Won for one unit, from the next purchase on.", example: 1700),
                ]),
            answers: [.init(status: .ok, content: .object(Schemas.product), note: "The product afterwards.")],
            refusals: [.productNotFound()]),
        .init(
            .deleteProduct, .delete, "/api/admin/products/{id}", .admin, tag: "admin",
            "Take a product off sale for good; its purchases stay", parameters: [id("product")],
            answers: [.init(status: .noContent, content: .nothing, note: "Nothing more of it is sold.")],
            refusals: [.productNotFound()]),
        .init(
            .adjustStock, .post, "/api/admin/products/{id}/stock", .admin, tag: "admin",
            "Add units to the stock of a product, or take some away", parameters: [id("product")],
            body: .init(
                name: "StockChange",
                fields: [
                    .init(
                        "delta", .wholeNumber(-Bounds.units...Bounds.units),
                        "Units that come, or, below 0, go; not 0.", example: 10),
                    .init(
                        "reason", .text(1...200, pattern: noNUL), "Why; it stays in the ledger.",
                        example: "delivery 17"),
                ]),
            answers: [.init(status: .ok, content: .object(Schemas.stock), note: "The stock afterwards.")],
            refusals: [.productNotFound(), .belowZero, .tooManyUnits, .contended]),
        .init(
            .reconcile, .post, "/api/admin/reconcile", .admin, tag: "admin",
            "Compare all stocks with the ledger now, and put right what differs",
            parameters: [
                .init(
                    .query,
                    .init(
                        "dry_run", .boolean, isRequired: false, "Only say what would be put right.",
                        example: true))
            ],
            answers: [
                .init(status: .ok, content: .object(Schemas.reconciliation), note: "What was found and done.")
            ]),
        .init(
            .listPurchases, .get, "/api/admin/purchases", .admin, tag: "admin",
            "The purchases of all users, newest first",
            parameters: paging + [
                filter("user_id", .wholeNumber(Schemas.ids), "Only of this user.", example: 1),
                filter("product_id", .wholeNumber(Schemas.ids), "Only of this product.", example: 1),
                filter("from", .time, "Only from this moment on.", example: "2026-01-01T00:00:00Z"),
                filter("until", .time, "Only before this moment.", example: "2027-01-01T00:00:00Z"),
            ],
            answers: [
                .init(
                    status: .ok, content: .list(of: Schemas.recordedPurchase), note: "A page of purchases.",
                    headers: [total, next])
            ]),
        .init(
            .listUsers, .get, "/api/admin/users", .admin, tag: "admin", "Users by their numbers",
            parameters: paging,
            answers: [
                .init(
                    status: .ok, content: .list(of: Schemas.managedUser), note: "A page of users.",
                    headers: [total, next])
            ]),
        .init(
            .changeUser, .patch, "/api/admin/users/{id}", .admin, tag: "admin",
            "Change the role of a user, disable or enable; ends the user's tokens", parameters: [id("user")],
            body: .init(
                name: "UserChange",
                fields: [
                    .init(
                        "role", .choice(UserRole.allCases.map(\.rawValue)), isRequired: false,
                        "What the user may do from now on.", example: "user"),
                    .init(
                        "disabled", .boolean, isRequired: false, "Whether signing in is refused.",
                        example: true),
                ]),
            answers: [
                .init(status: .ok, content: .object(Schemas.managedUser), note: "The user afterwards.")
            ],
            refusals: [.userNotFound]),
        .init(
            .getLogLevel, .get, "/api/admin/log-level", .admin, tag: "admin",
            "From which level on the server writes its log",
            answers: [.init(status: .ok, content: .object(Schemas.logLevel), note: "The level.")]),
        .init(
            .setLogLevel, .put, "/api/admin/log-level", .admin, tag: "admin",
            "Change the level of the log, for good or for a while; a restart brings back that of the settings",
            body: .init(
                name: "LogLevelChange",
                fields: [
                    .init(
                        "level", .choice(LogRoutes.names), "The lowest level that is written.",
                        example: "debug"),
                    .init(
                        "duration_s", .wholeNumber(LogRoutes.durations), isRequired: false,
                        "Seconds, after which the level holds again that was set for good; without it the new "
                            + "one is set for good.", example: 600),
                ]),
            answers: [.init(status: .ok, content: .object(Schemas.logLevel), note: "The level afterwards.")]),
    ]

    static let operations: [RouteDeclaration] = [
        .init(
            .live, .get, "/health/live", .anyone, tag: "operations", "Whether the process answers",
            answers: [.init(status: .ok, content: .object(Schemas.liveness), note: "It does.")]),
        .init(
            .startup, .get, "/health/startup", .anyone, tag: "operations",
            "Whether the server has started: its ledger is up to date, and all stocks were compared with it",
            answers: [
                .init(status: .ok, content: .object(Schemas.startup), note: "It has."),
                .init(
                    status: .serviceUnavailable, content: .object(Schemas.startup),
                    note: "Not yet; purchases are refused.", headers: [retryAfter]),
            ]),
        .init(
            .ready, .get, "/health/ready", .anyone, tag: "operations", "Whether the server can sell",
            answers: [
                .init(status: .ok, content: .object(Schemas.readiness), note: "It can."),
                .init(
                    status: .serviceUnavailable, content: .object(Schemas.readiness),
                    note: "It cannot, for the reasons given.", headers: [retryAfter]),
            ]),
        .init(
            .openAPI, .get, "/openapi.json", .anyone, tag: "operations", "This document",
            answers: [.init(status: .ok, content: .object(Schemas.anything), note: "The document.")]),
        .init(
            .docs, .get, "/docs", .anyone, tag: "operations",
            "A page to read this document and try its calls",
            answers: [.init(status: .ok, content: .page, note: "The page; it needs nothing but this server.")]
        ),
        .init(
            .home, .get, "/", .anyone, tag: "operations", "The way to the page",
            answers: [
                .init(
                    status: .found, content: .nothing, note: "The page is at /docs.",
                    headers: [
                        .init(name: "Location", shape: .text(1...100), note: "The address of the page.")
                    ])
            ]),
        .init(
            .explainProblem, .get, "/problems/{id}", .anyone, tag: "operations",
            "What a type of problem means, and what to do",
            parameters: [
                .init(
                    .path,
                    .init(
                        "id", .choice(ProblemKind.allCases.map(\.rawValue)), "The last part of the type.",
                        example: "sold-out"))
            ],
            answers: [.init(status: .ok, content: .page, note: "The explanation.")],
            refusals: [Problem(status: .notFound)]),
    ]
}
