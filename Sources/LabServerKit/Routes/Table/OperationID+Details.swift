extension OperationID {
    /// What a caller has to know of a route beyond its summary: the description in the document.
    var details: String {
        switch self {
        case .register:
            "The name is taken as it is typed; another user may not have the same one, nor the same e-mail address. The "
                + "password may be of any characters; what is guessed first, and the user's own name, is refused. Nobody "
                + "is signed in by this."
        case .logIn:
            "A wrong password, a name that nobody has and a user who is disabled get the same answer, in the same time. "
                + "Wrong passwords are counted for each account, and a right one makes them forgotten."
        case .logOut:
            "All of them, on every device: a token is not a session of its own. It is in force when the answer has come."
        case .changePassword:
            "A wrong present password is counted as at the sign-in, and is 422 naming the field password. Sign in again "
                + "afterwards."
        case .me: "As the ledger knows the user now."
        case .createProduct:
            "Recorded in the ledger, then put on sale in Redis. When Redis is out of reach it is taken back and the answer "
                + "is 503: try again."
        case .listProducts:
            "Without those that were deleted. The stock of each is read from Redis at that moment; it is null where Redis "
                + "does not know it."
        case .getProduct: "A product that was deleted is 404."
        case .getStock:
            "Units that are left now. A stock that Redis has lost is 503 until it is filled from the ledger, never 0."
        case .purchase:
            "All or nothing, and exact under any number of buyers. The price is that of the moment. Without units enough "
                + "it is 400, without the lock in time 409 with Retry-After; both changed nothing. After a 503 that says "
                + "that nobody knows, or no answer at all, repeat it with the same Idempotency-Key: the same key and body "
                + "buy once, and get the first answer again. Server-Timing says what the purchase cost, and Lab-Strategy "
                + "how buyers were kept apart; both are on refusals too."
        case .listMyPurchases: "Also of products that were deleted since."
        case .changeProduct: "Only what the body names. Purchases keep the price at which they were made."
        case .deleteProduct:
            "From the answer on nothing more of it is sold, not even what was reserved before; purchases of it stay "
                + "readable."
        case .adjustStock:
            "By so many units up or down, during sales too; never below zero (409). Who, when and why stays in the ledger."
        case .reconcile:
            "What the server also does at its start and in between. Reservations that a crash left open are finished or "
                + "returned, and stocks that Redis lost are filled. It may be called at any time, twice too."
        case .listPurchases:
            "from is the first moment that counts and until the first that does not, both RFC 3339."
        case .listUsers: "With role and whether they are disabled; never anything of a password."
        case .changeUser:
            "Only what the body names. All tokens of the user end with it. The first administrator is made by lab-server "
                + "admin create."
        case .getLogLevel: "And to which one it goes back, in how many seconds; null where it stays."
        case .setLogLevel:
            "With duration_s the level of before comes back by itself. Each change is in the log."
        case .live: "It asks nothing else, so an outage of Redis does not get the process restarted."
        case .startup: "503 until then; purchases are 503 too."
        case .ready:
            "503 names in out_of_reach what is missing: the ledger, Redis, the stock, the lock nodes, or that the "
                + "server is starting or draining."
        case .openAPI: "Made of the same table as the routes."
        case .docs: "It loads nothing from anywhere else; a token that it gets stays in its memory."
        case .home: "For whoever types the address of the server into a browser."
        case .explainProblem:
            "The type of a problem is its address here. A problem of type about:blank has none: its status says all."
        }
    }
}
