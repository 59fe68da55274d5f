-- in-one-step: the end of a script that is made of others, so that Redis carries them out in one step.
-- Above it stands the list `steps`: the text of each script as the function `run`, with how many keys and arguments are
-- its own. One with `onGrant` runs only when the one before it answered a number above 0.
-- KEYS  those of the first script, then those of the second, and so on
-- ARGV  likewise
-- Replies what each script replies, in their order; nil for one that failed. It ends before a script that did not run.
--         An error of the first script is the error of all: the others did not run.
local replies = {}
local key, argument = 0, 0
for number, step in ipairs(steps) do
  local keys, arguments = {}, {}
  for place = 1, step.keys do
    keys[place] = KEYS[key + place]
  end
  for place = 1, step.arguments do
    arguments[place] = ARGV[argument + place]
  end
  key, argument = key + step.keys, argument + step.arguments
  if number == 1 then
    replies[1] = step.run(keys, arguments)
  else
    local last = replies[number - 1]
    if step.onGrant and not (type(last) == 'number' and last > 0) then
      break
    end
    local done, reply = pcall(step.run, keys, arguments)
    replies[number] = done and reply or false
  end
end
return replies
