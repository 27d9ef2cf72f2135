-- Load for wrk: one thread per connection, each with a line of the file that LOAD_FILE names.
-- A line is a bearer token, a refresh token or an address. What is not the expected answer is
-- counted as an error, and printed once.
local mode, path, file = os.getenv("LOAD_MODE"), os.getenv("LOAD_PATH"), os.getenv("LOAD_FILE")
local password = os.getenv("LOAD_PASSWORD") or ""
local threads = {}
local count = 0

function setup(thread)
  count = count + 1
  thread:set("number", count)
  table.insert(threads, thread)
end

function init()
  ok, bad, sample, value = 0, 0, "", nil
  local lines = {}
  for line in io.lines(file) do lines[#lines + 1] = line end
  value = lines[(number - 1) % #lines + 1]
end

local json = { ["Content-Type"] = "application/json" }

function request()
  if mode == "get" then
    return wrk.format("GET", path)
  elseif mode == "me" then
    return wrk.format("GET", path, { ["Authorization"] = "Bearer " .. value })
  elseif mode == "refresh" then
    return wrk.format("POST", path, json, '{"refresh_token":"' .. value .. '"}')
  end
  return wrk.format("POST", path, json, '{"email":"' .. value .. '","password":"' .. password .. '"}')
end

function response(status, headers, body)
  if status == 200 then
    ok = ok + 1
    if mode == "refresh" then
      value = body:match('"refresh_token":"([^"]+)"') or value
    end
  else
    bad = bad + 1
    sample = status .. " " .. body:sub(1, 200)
  end
end

function done(summary, latency, requests)
  local all_ok, all_bad, why = 0, 0, ""
  for _, thread in ipairs(threads) do
    all_ok = all_ok + thread:get("ok")
    all_bad = all_bad + thread:get("bad")
    if thread:get("sample") ~= "" then why = thread:get("sample") end
  end
  io.write(string.format("RESULT %d %d %d %d\n", all_ok, all_bad, summary.duration, latency:percentile(99)))
  if why ~= "" then io.write("SAMPLE " .. why .. "\n") end
end
