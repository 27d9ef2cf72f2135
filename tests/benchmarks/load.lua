-- Load for wrk: one thread per connection, a closed loop, each with a line of the file LOAD_FILE.
-- A line is an address and a token, parted by a tab; {EMAIL}, {TOKEN} and {PASSWORD} are filled in.
-- An answer counts if it has the expected status and holds LOAD_NEEDS; another one is an error, and
-- is in neither the rate nor the percentiles, which come from a histogram of a hundredth of e.
local ffi = require("ffi")
ffi.cdef [[ typedef struct { long seconds; long nanoseconds; } moment;
            int clock_gettime(int clock, moment *now); ]]
local moment = ffi.new("moment")

local function now()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.seconds) * 1e6 + tonumber(moment.nanoseconds) / 1e3
end

local env = os.getenv
local method, path, body = env("LOAD_METHOD"), env("LOAD_PATH"), env("LOAD_BODY")
local needs, wanted, next_token = env("LOAD_NEEDS"), tonumber(env("LOAD_STATUS")), env("LOAD_NEXT")
local threads, count = {}, 0

function setup(thread)
  count = count + 1
  thread:set("number", count)
  table.insert(threads, thread)
end

function init()
  ok, bad, sample, histogram, refusals, began = 0, 0, "", {}, {}, 0
  local lines = {}
  for line in io.lines(env("LOAD_FILE")) do lines[#lines + 1] = line end
  email, token = lines[(number - 1) % #lines + 1]:match("^([^\t]*)\t(.*)$")
  headers = {}
  for line in env("LOAD_HEADERS"):gmatch("[^\n]+") do
    local name, value = line:match("^([^:]+): (.*)$")
    headers[name] = value
  end
end

local function filled(text)
  return (text:gsub("{(%u+)}", { EMAIL = email, TOKEN = token, PASSWORD = env("LOAD_PASSWORD") }))
end

function request()
  local sent = {}
  for name, value in pairs(headers) do sent[name] = filled(value) end
  began = now()
  return wrk.format(method, filled(path), sent, body ~= "" and filled(body) or nil)
end

function response(status, _, answer)
  local bin = math.floor(math.log(math.max(now() - began, 1)) * 100)
  if status == wanted and answer:find(filled(needs), 1, true) then
    ok = ok + 1
    histogram[bin] = (histogram[bin] or 0) + 1
    if next_token ~= "" then token = answer:match(next_token) or token end
  else
    bad = bad + 1
    refusals[bin] = (refusals[bin] or 0) + 1
    sample = status .. " " .. answer:sub(1, 200)
  end
end

local function all(name)
  local bins, parts = {}, {}
  for _, thread in ipairs(threads) do
    for bin, times in pairs(thread:get(name)) do bins[bin] = (bins[bin] or 0) + times end
  end
  for bin, times in pairs(bins) do parts[#parts + 1] = bin .. ":" .. times end
  return "[" .. table.concat(parts, ",") .. "]"
end

function done(summary)
  local all_ok, all_bad, why = 0, 0, ""
  for _, thread in ipairs(threads) do
    all_ok, all_bad = all_ok + thread:get("ok"), all_bad + thread:get("bad")
    if thread:get("sample") ~= "" then why = thread:get("sample") end
  end
  io.write(string.format("RESULT %d %d %d %s %s\n", all_ok, all_bad, summary.duration,
    all("histogram"), all("refusals")))
  if why ~= "" then io.write("SAMPLE " .. why .. "\n") end
end
