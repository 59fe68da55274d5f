#include <lua5.1/lua.h>
#include <lua5.1/lauxlib.h>
#include <lua5.1/lualib.h>

// Lua leaves a function by longjmp when it raises an error, and no Swift frame may be jumped over. So what Lua
// calls is this C function. It calls Swift, which only pushes one result; the error is raised here.

typedef void (*lab_lua_call)(void *context, lua_State *state);

static inline int lab_lua_enter(lua_State *state) {
    lab_lua_call call = (lab_lua_call)lua_touserdata(state, lua_upvalueindex(1));
    void *context = lua_touserdata(state, lua_upvalueindex(2));
    int raises = lua_toboolean(state, lua_upvalueindex(3));
    call(context, state);
    if (raises && lua_istable(state, -1)) {
        lua_getfield(state, -1, "err");
        int failed = lua_isstring(state, -1);
        lua_pop(state, 1);
        if (failed) return lua_error(state);
    }
    return 1;
}

/// Pushes a function that calls Swift. With `raises`, a result that is a table with a field `err` is raised as
/// an error, and the table is its value.
static inline void lab_lua_push(lua_State *state, lab_lua_call call, void *context, int raises) {
    lua_pushlightuserdata(state, (void *)call);
    lua_pushlightuserdata(state, context);
    lua_pushboolean(state, raises);
    lua_pushcclosure(state, lab_lua_enter, 3);
}
