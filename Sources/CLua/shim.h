#include <stdio.h>
#include <lua5.1/lua.h>
#include <lua5.1/lauxlib.h>
#include <lua5.1/lualib.h>

// Lua leaves a function by longjmp when it raises an error, and no Swift frame may be jumped over. So what Lua
// calls is this C function. It calls Swift, which only pushes one result; the error is raised here.

typedef void (*lab_lua_call)(void *context, lua_State *state);

/// Which results of a function are raised as errors.
enum {
    lab_lua_returns = 0,
    /// A table with a field `err`.
    lab_lua_raises_error_tables = 1,
    lab_lua_raises_everything = 2,
};

static inline int lab_lua_enter(lua_State *state) {
    lab_lua_call call = (lab_lua_call)lua_touserdata(state, lua_upvalueindex(1));
    void *context = lua_touserdata(state, lua_upvalueindex(2));
    int raises = lua_tointeger(state, lua_upvalueindex(3));
    call(context, state);
    if (raises == lab_lua_raises_everything) return lua_error(state);
    if (raises == lab_lua_raises_error_tables && lua_istable(state, -1)) {
        lua_getfield(state, -1, "err");
        int failed = lua_isstring(state, -1);
        lua_pop(state, 1);
        if (failed) return lua_error(state);
    }
    return 1;
}

/// Pushes a function that calls Swift.
static inline void lab_lua_push(lua_State *state, lab_lua_call call, void *context, int raises) {
    lua_pushlightuserdata(state, (void *)call);
    lua_pushlightuserdata(state, context);
    lua_pushinteger(state, raises);
    lua_pushcclosure(state, lab_lua_enter, 3);
}

/// Writes a number as Redis hands it from a script to a command. `text` has room for 64 bytes.
static inline int lab_lua_number_text(double number, char *text) {
    return snprintf(text, 64, "%.17g", number);
}
