package import RedisClient

/// The scripts of the folder Scripts, compiled into the library.
package enum EmbeddedScripts {
    static let luaAtomic = script("lua-atomic", PackageResources.lua_atomic_lua)
    static let combining = script("combining", PackageResources.combining_lua)
    static let takeAtHome = script("take-at-home", PackageResources.take_at_home_lua)
    static let moveOut = script("move-out", PackageResources.move_out_lua)
    static let moveIn = script("move-in", PackageResources.move_in_lua)
    static let moveDone = script("move-done", PackageResources.move_done_lua)
    static let lookAtStock = script("look-at-stock", PackageResources.look_at_stock_lua)
    static let removeEndedMarks = script("remove-ended-marks", PackageResources.remove_ended_marks_lua)
    static let closeStock = script("close-stock", PackageResources.close_stock_lua)
    static let fillBucket = script("fill-bucket", PackageResources.fill_bucket_lua)
    static let fillStock = script("fill-stock", PackageResources.fill_stock_lua)
    static let dropStock = script("drop-stock", PackageResources.drop_stock_lua)
    static let offerUnits = script("offer-units", PackageResources.offer_units_lua)
    static let returnToBucket = script("return-to-bucket", PackageResources.return_to_bucket_lua)
    static let readStock = script("read-stock", PackageResources.read_stock_lua)
    static let writeStock = script("write-stock", PackageResources.write_stock_lua)
    static let writeStockFenced = script("write-stock-fenced", PackageResources.write_stock_fenced_lua)
    static let acquireLock = script("acquire-lock", PackageResources.acquire_lock_lua)
    static let acquireOrRemaining = script("acquire-or-remaining", PackageResources.acquire_or_remaining_lua)
    static let releaseAndTell = script("release-and-tell", PackageResources.release_and_tell_lua)
    static let handOverLock = script("hand-over-lock", PackageResources.hand_over_lock_lua)
    static let acquireFenced = script("acquire-fenced", PackageResources.acquire_fenced_lua)
    static let returnReservation = script("return-reservation", PackageResources.return_reservation_lua)
    static let releaseLock = script("release-lock", PackageResources.release_lock_lua)
    static let extendLock = script("extend-lock", PackageResources.extend_lock_lua)

    static let inOneStepText = String(decoding: PackageResources.in_one_step_lua, as: UTF8.self)

    // What a lock in the Redis of the stock carries: each is carried out in one step.
    static let acquireLockAndRead = RedisScript(inOneStep: [
        ScriptStep(script: acquireLock, keys: 1, arguments: 2), read,
    ])
    static let acquireFencedAndRead = RedisScript(inOneStep: [
        ScriptStep(script: acquireFenced, keys: 2, arguments: 3), read,
    ])
    static let writeAndRelease = RedisScript(inOneStep: [
        write, ScriptStep(script: releaseLock, keys: 1, arguments: 1),
    ])
    static let writeFencedAndRelease = RedisScript(inOneStep: [
        ScriptStep(script: writeStockFenced, keys: 5, arguments: 5),
        ScriptStep(script: releaseLock, keys: 1, arguments: 1),
    ])
    static let acquireOrRemainingAndRead = RedisScript(inOneStep: [
        ScriptStep(script: acquireOrRemaining, keys: 1, arguments: 2), read,
    ])
    static let handOverAndRead = RedisScript(inOneStep: [handOver, read])
    static let writeAndTell = RedisScript(inOneStep: [
        write, ScriptStep(script: releaseAndTell, keys: 1, arguments: 1),
    ])
    static let writeAndHandOver = RedisScript(inOneStep: [write, handOver])
    static let writeHandOverAndRead = RedisScript(inOneStep: [write, handOver, read])
    private static let handOver = ScriptStep(script: handOverLock, keys: 1, arguments: 3)
    private static let read = ScriptStep(script: readStock, keys: 4, arguments: 1, onGrant: true)
    private static let write = ScriptStep(script: writeStock, keys: 4, arguments: 4)

    package static let all = [
        luaAtomic, combining, takeAtHome, moveOut, moveIn, moveDone, lookAtStock, removeEndedMarks,
        closeStock, fillBucket, fillStock, dropStock, offerUnits, returnToBucket, readStock, writeStock,
        writeStockFenced, acquireLock, acquireOrRemaining, releaseAndTell, handOverLock, acquireFenced,
        returnReservation, releaseLock, extendLock, acquireLockAndRead, acquireFencedAndRead,
        writeAndRelease, writeFencedAndRelease, acquireOrRemainingAndRead, handOverAndRead, writeAndTell,
        writeAndHandOver, writeHandOverAndRead,
    ]

    private static func script(_ name: String, _ bytes: [UInt8]) -> RedisScript {
        RedisScript(name: name, source: String(decoding: bytes, as: UTF8.self))
    }
}
