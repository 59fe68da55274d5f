import HTTPTypes
import Hummingbird
import NIOCore

extension ProblemKind {
    /// What a problem means, and what to do about it.
    struct Explanation: Sendable {
        let meaning: String
        let remedy: String
    }

    var explanation: Explanation { Self.explanations[self] ?? Explanation(meaning: title, remedy: "") }

    /// A test holds that each kind is in it.
    static let explanations: [ProblemKind: Explanation] = requests.merging(service) { first, _ in first }

    /// What a client can change.
    private static let requests: [ProblemKind: Explanation] = [
        .invalidField: .init(
            meaning: "A field of the request breaks its rule. The problem names it in field.",
            remedy: "Send the request again with another value. /docs has the rule of each field."),
        .unauthorized: .init(
            meaning: "The request has no access token, or the token does not count: it has ended, its "
                + "user changed, or it is not from this server.",
            remedy: "Sign in with POST /api/auth/login, and send the new token as Authorization: "
                + "Bearer TOKEN."),
        .forbidden: .init(
            meaning: "The token counts, but its user is no administrator.",
            remedy: "Sign in as an administrator. lab-server admin create makes one."),
        .taken: .init(
            meaning: "Another user has this name or this e-mail address. The problem names the field.",
            remedy: "Choose another one."),
        .tooManyAttempts: .init(
            meaning: "This address sent too many requests to the auth routes, or somebody sent too "
                + "many wrong passwords for this account.",
            remedy: "Wait for the seconds in Retry-After, then try again."),
        .userNotFound: .init(
            meaning: "There is no user with this id.",
            remedy: "List the users with GET /api/admin/users."),
        .productNotFound: .init(
            meaning: "There is no product with this id, or it was deleted.",
            remedy: "List the products with GET /api/products."),
        .soldOut: .init(
            meaning: "Fewer units are left than the purchase asks for. Nothing was bought.",
            remedy: "Ask for fewer units, or wait until the stock is raised."),
        .oversellRefused: .init(
            meaning: "The strategy let the purchase through, and the ledger refused it, because all "
                + "units that were ever supplied are sold. Nothing was bought.",
            remedy: "Ask for fewer units. If you run the server: the strategy let too many buyers "
                + "in, so choose another one."),
        .userLimit: .init(
            meaning: "The user would have more units of this product than --per-user-limit allows. "
                + "Purchases that are being made count too.",
            remedy: "Ask for fewer units."),
        .contended: .init(
            meaning: "The lock was not obtained in time, because too many requests want the same "
                + "product. Nothing was changed.",
            remedy: "Wait for the seconds in Retry-After, then try again."),
        .belowZero: .init(
            meaning: "The change would take away more units than are in stock. Nothing was changed.",
            remedy: "Take away fewer units."),
        .tooManyUnits: .init(
            meaning: "The product would have more than 1000000000 units, sold ones included. Nothing "
                + "was changed.",
            remedy: "Add fewer units."),
        .idempotencyMismatch: .init(
            meaning: "The same Idempotency-Key came before with another body. Nothing was bought by "
                + "this request.",
            remedy: "Use a new key for a new purchase. Send the first body again to get the first "
                + "answer."),
    ]

    /// What the server cannot do at the moment.
    private static let service: [ProblemKind: Explanation] = [
        .tookTooLong: .init(
            meaning: "The answer took longer than the server allows. Nobody knows whether the request "
                + "was carried out.",
            remedy: "Repeat a purchase with the same Idempotency-Key. Look at what you wanted to "
                + "change before you repeat another request."),
        .overloaded: .init(
            meaning: "The server answers as many requests as it may at the same time. The request was "
                + "not begun.",
            remedy: "Wait for the seconds in Retry-After, then try again."),
        .ledgerUnavailable: .init(
            meaning: "The record of purchases cannot be used. Nothing was bought.",
            remedy: "Try again. If you run the server: look at its log and its disk."),
        .ledgerFull: .init(
            meaning: "The disk of the record of purchases is full. Nothing was bought.",
            remedy: "Try again later. If you run the server: make space on the disk."),
        .recordUnknown: .init(
            meaning: "The disk failed while the purchase was written. Nobody knows whether the record "
                + "stands.",
            remedy: "Repeat the purchase with the same Idempotency-Key, or look at GET "
                + "/api/purchases/me."),
        .ledgerOverloaded: .init(
            meaning: "Too many writes wait for the record of purchases, or this one waited too long. "
                + "Nothing was bought.",
            remedy: "Wait for the seconds in Retry-After, then try again."),
        .hashingOverloaded: .init(
            meaning: "Too many passwords wait to be checked.",
            remedy: "Wait for the seconds in Retry-After, then try again."),
        .redisUnavailable: .init(
            meaning: "Redis, which has the stock, does not answer. Nothing was changed.",
            remedy: "Try again. If you run the server: GET /health/ready says what is out of reach."),
        .redisRefused: .init(
            meaning: "Redis, which has the stock, refused a command. Nothing was changed.",
            remedy: "Try again. If you run the server: its log has the words of Redis."),
        .outcomeUnknown: .init(
            meaning: "The answer of Redis was lost. Nothing was bought, and the server returns the "
                + "units if they were taken.",
            remedy: "Try again, with the same Idempotency-Key."),
        .stockUnknown: .init(
            meaning: "Redis does not know the stock of this product. The server fills it from the "
                + "record of purchases.",
            remedy: "Try again in a few seconds."),
        .stockReplaced: .init(
            meaning: "The server filled the stock of this product anew during the purchase. Nothing "
                + "was bought.",
            remedy: "Try again."),
        .reservationEnded: .init(
            meaning: "The purchase took so long that its units went back into stock. Nothing was "
                + "bought.",
            remedy: "Try again."),
        .leaseLost: .init(
            meaning: "The lock ended before the stock was taken. Nothing was bought.",
            remedy: "Try again."),
        .cancelled: .init(
            meaning: "The server stopped the work on this request, for example because it is ending.",
            remedy: "Try again, with the same Idempotency-Key if it was a purchase."),
        .internalError: .init(
            meaning: "The server made a mistake. Its log says more, under the request_id of the "
                + "problem.",
            remedy: "Tell the request_id to whoever runs the server."),
    ]

    /// The explanation as a page of its own: it loads nothing and runs nothing.
    var page: Response {
        let text = """
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>\(title)</title></head>
            <body>
            <h1>\(title)</h1>
            <p><code>\(path)</code></p>
            <p>\(explanation.meaning)</p>
            <p>What to do: \(explanation.remedy)</p>
            <p><a href="/docs">All routes of this server</a></p>
            </body>
            </html>

            """
        let headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "max-age=3600",
            .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
            .referrerPolicy: "no-referrer",
        ]
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
