import HTTPTypes
import InventoryService

extension RouteTable {
    static let products: [RouteDeclaration] = [
        .init(
            .createProduct, .post, "/api/products", .user, tag: "products", "Put a product on sale",
            body: .init(
                name: "NewProduct",
                fields: [
                    .init(
                        "name", .text(1...100, pattern: noNUL), "What it is called.", example: "Cola"),
                    .init("price", .wholeNumber(0...Bounds.price), "Won for one unit.", example: 1500),
                    .init(
                        "initial_stock", .wholeNumber(0...Bounds.units), "Units to begin with.", example: 100),
                    .init(
                        "description", .text(0...10_000, pattern: noNUL), isRequired: false, isNullable: true,
                        "What it is.", example: "0.5 l, cold"),
                ]),
            answers: [
                .init(
                    status: .created, content: .object(Schemas.product), note: "The product.",
                    headers: [
                        .init(
                            name: "Location", shape: .text(1...100), note: "The address of the product.")
                    ])
            ]),
        .init(
            .listProducts, .get, "/api/products", .user, tag: "products", "Products by their numbers",
            parameters: paging,
            answers: [
                .init(
                    status: .ok, content: .list(of: Schemas.product), note: "A page of products.",
                    headers: [total, next])
            ]),
        .init(
            .getProduct, .get, "/api/products/{id}", .user, tag: "products", "One product",
            parameters: [id("product")],
            answers: [.init(status: .ok, content: .object(Schemas.product), note: "The product.")],
            refusals: [.productNotFound()]),
        .init(
            .getStock, .get, "/api/products/{id}/stock", .user, tag: "products",
            "The units left of a product",
            parameters: [id("product")],
            answers: [.init(status: .ok, content: .object(Schemas.stock), note: "The stock.")],
            refusals: [.productNotFound()]),
    ]

    static let noNUL = #"^[^\u0000]*$"#

    private static let purchaseHeaders: [HeaderDeclaration] = [
        .init(
            name: "Server-Timing", shape: .text(1...500),
            note: "Lock wait and hold, Redis and SQL in milliseconds; attempts and commands as counts."),
        .init(name: "Lab-Strategy", shape: .text(1...50), note: "The strategy that kept buyers apart."),
    ]

    static let purchases: [RouteDeclaration] = [
        .init(
            .purchase, .post, "/api/purchases", .user, tag: "purchases", "Buy units of a product",
            parameters: [
                .init(
                    .header,
                    .init(
                        "Idempotency-Key", .text(1...255, pattern: "^[!-~]+$"), isRequired: false,
                        "Sent again with the same body, it buys no second time.", example: "order-4711"))
            ],
            body: .init(
                name: "Order",
                fields: [
                    .init("product_id", .wholeNumber(Schemas.ids), "What to buy.", example: 1),
                    .init("quantity", .wholeNumber(1...Bounds.units), "Units.", example: 2),
                ]),
            answers: [
                .init(
                    status: .ok, content: .object(Schemas.purchase), note: "Bought, on disk, for good.",
                    headers: purchaseHeaders)
            ],
            refusals: PurchaseOutcome.Kind.allCases.compactMap(ProblemTable.problem(for:))),
        .init(
            .listMyPurchases, .get, "/api/purchases/me", .user, tag: "purchases",
            "The purchases of the user, newest first", parameters: paging,
            answers: [
                .init(
                    status: .ok, content: .list(of: Schemas.purchase), note: "A page of purchases.",
                    headers: [total, next])
            ]),
    ]
}
