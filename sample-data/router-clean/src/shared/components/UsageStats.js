"use client";
import { useEffect, useState } from "react";

export default function UsageStats() {
  const [stats, setStats] = useState(null);
  const [chart, setChart] = useState([]);
  useEffect(() => {
    fetch("/api/usage/stats").then((res) => res.json()).then(setStats);
    fetch("/api/usage/chart").then((res) => res.json()).then(setChart);
    const source = new EventSource("/api/usage/stream");
    source.onmessage = (event) => setStats(JSON.parse(event.data));
    return () => source.close();
  }, []);
  return <pre>{JSON.stringify({ stats, chart })}</pre>;
}
